package sim

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"
)

// run is the life of the world's own goroutine.
func (k *kernel) run() {
	defer k.reap()
	defer k.conclude()
	k.loop()
}

// conclude settles the verdict and what belongs to it, before any dead task is
// unwound. What ends the loop by a panic or by Goexit is not a task, but a
// strategy or a sink.
func (k *kernel) conclude() {
	if k.isAbandoned() {
		_ = recover()
		return // somebody else reads what would be written here
	}
	if value := recover(); value != nil {
		k.config.Trace = nil
		k.end(panicVerdict(value, string(debug.Stack())))
	}
	if !k.over {
		k.config.Trace = nil
		k.end(Verdict{Kind: Goexit, Message: "a strategy or a sink ended the run by runtime.Goexit"})
	}
	k.over = true
	k.seal()
}

// isAbandoned reports whether the watchdog has given the world up. If not, the answer
// buys the time for what is left to do.
func (k *kernel) isAbandoned() bool { return k.signal.And(^uint32(asked))&abandoned != 0 }

// reap unwinds every task that has not ended, and ends the workers.
func (k *kernel) reap() {
	k.unwinding.Store(true)
	k.reaping = true
	k.gather()
	for _, t := range k.tasks {
		if t.worker != nil {
			k.signal.And(^uint32(asked))
			k.cur = t
			k.kill(t.worker)
		}
	}
	k.cur = nil
	for _, w := range k.idle {
		k.kill(w)
	}
	k.reaped = true
}

// unwind ends the task that still runs after the verdict: whatever it tries,
// another Goexit is the answer, which no recover can swallow.
func (k *kernel) unwind(what string) {
	if k.reaped {
		panic("sim: " + what + " after the end of the run")
	}
	goruntime.Goexit()
}

func panicVerdict(value any, stack string) Verdict {
	return Verdict{Kind: Panic, Message: fmt.Sprint(value), Stack: stack}
}
