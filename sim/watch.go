package sim

import (
	"context"
	"fmt"
	goruntime "runtime"
	"time"
)

// The bits of kernel.signal. The watchdog sets them, the world looks at them
// before each decision.
const (
	asked       = 1 << iota // whether the world still moves; it clears the bit
	interrupted             // the world has to end
	abandoned               // it did not answer: whatever it does from now on counts for nothing
)

// answer tells the watchdog that the world moves, and reports whether the world
// goes on.
func (k *kernel) answer() bool {
	switch s := k.signal.And(^uint32(asked)); {
	case s&abandoned != 0:
		k.over = true
	case s&interrupted != 0:
		k.end(Verdict{Kind: Inconclusive, Message: "interrupted"})
	}
	return !k.over
}

// watch waits for the end of the world, and reports a step that does not end:
// one that has not answered for the whole of StuckAfter.
func (k *kernel) watch(ctx context.Context, done <-chan struct{}) (stuck bool) {
	ticker := time.NewTicker(k.config.StuckAfter)
	defer ticker.Stop()
	cancelled := ctx.Done()
	for {
		select {
		case <-done:
			return false
		case <-cancelled:
			cancelled = nil
			k.signal.Or(interrupted)
		case <-ticker.C:
			if k.outside.active.Load() { // it has a limit of its own
				k.signal.And(^uint32(asked))
			} else if k.signal.Or(asked)&asked != 0 && k.abandon() {
				return true
			}
		}
	}
}

// abandon gives the world up, unless it answers in the last moment.
func (k *kernel) abandon() bool {
	for {
		s := k.signal.Load()
		if s&asked == 0 {
			return false
		}
		if k.signal.CompareAndSwap(s, s|abandoned) {
			return true
		}
	}
}

// publish tells the race detector, which knows nothing of stopped worlds, that
// escaped may read what has been written up to here.
func (k *kernel) publish() {
	if raceDetector {
		k.published.Store(true)
	}
}

// escaped is the result of an abandoned world. To take all stacks Go stops every
// goroutine, so what the world wrote before is visible here; and it writes none
// of it any more, because it would find out first that it was abandoned.
func (k *kernel) escaped() Result {
	stacks := allStacks()
	k.published.Load()
	if k.unwinding.Load() {
		v := k.verdict
		if !v.Failed() {
			v = Verdict{Kind: Escape, Step: k.steps, Time: k.elapsed(), Stack: stacks}
		}
		v.Message = fmt.Sprintf("%s; at the end a deferred function took more than %v", v.Message, k.config.StuckAfter)
		return k.result(v)
	}
	v := Verdict{Kind: Escape, Step: k.steps, Time: k.elapsed(), Stack: stacks}
	cause := "it blocks natively or spins"
	if t := k.current(); t != nil {
		v.Node, v.Task = t.life.node.name, t.runtime.Path()
		if b, ok := findBlockage(stacks, t.runtime); ok {
			cause = b.String()
		}
	}
	v.Message = fmt.Sprintf("a step took more than %v: %s", k.config.StuckAfter, cause)
	return k.result(v)
}

// allStacks returns the stacks of all goroutines.
func allStacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:goruntime.Stack(buffer, true)])
}
