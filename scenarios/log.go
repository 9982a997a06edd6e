package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// logRules are what may happen to calls of a log besides storageRules.
var logRules = []string{"truncate fail-after 1/%d", "truncate late 1/%d", "truncate duplicate 1/%d"}

// Log lets processes use the log that all else rests on as it is, without an engine above it.
func Log() sim.Scenario {
	rules := slices.Concat(storageRules, logRules)
	return sim.Scenario{
		Name: "log",
		Doc: "processes extend one log by compare-and-set, read it and truncate it, while they crash and answers are lost;" +
			" what was refused never happens, what was confirmed has, and nobody sees a gap",
		Run:    inWorld(func(ctx context.Context, w simulated) error { return log(ctx, w, rules) }),
		Faults: kindNames(storeFaults, rules...),
		Goals: []string{
			"confirmed", "refused", "refused-ahead", "unclear", "head-read", "scanned", "scanned-from-the-middle", "truncated",
			"truncated-too-far",
		},
	}
}

// logWorld is a store with one log, and who watches it.
type logWorld struct {
	store  *memory.Store
	faults *faulty.Faults
	watch  *invariants.Log
}

// logKey is where the log is.
const logKey = "log"

func log(ctx context.Context, w simulated, rules []string) error {
	rt := w.Runtime()
	rand := rt.Rand("log")

	// Given processes that extend, read and truncate one log,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 2000, kinds: storeFaults, storage: rules}.plan(w)
	drawn, err := faulty.ParsePlan(plan.Rules["storage"])
	if err != nil {
		return err
	}
	faults, err := faulty.New(drawn, 0)
	if err != nil {
		return err
	}
	if err := handleOutages(w, faults); err != nil {
		return err
	}
	l := &logWorld{memory.New("store", memory.Options{}), faults, invariants.NewLog()}
	if err := bootNodes(w, nodes, l.process); err != nil {
		return err
	}

	// when they, the store, and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 2, 5)); err != nil {
		return err
	}

	// then, once the faults are over, the log goes on,
	w.Quiesce(time.Second)
	newest := l.watch.Newest()
	w.Eventually("P-52", 10*time.Second, func() bool { return l.watch.Newest() > newest }, "versions", newest)

	// nobody goes on who has crashed,
	for _, n := range w.Nodes() {
		if err := n.Crash(); err != nil {
			return err
		}
	}
	calls := l.watch.Calls()
	if err := rt.Sleep(ctx, time.Second); err != nil {
		return err
	}
	rt.Always(l.watch.Calls() == calls, "R-3", "calls", calls, "after the crash", l.watch.Calls())

	// and the log is what everybody was told.
	return l.audit(ctx, rt)
}

// process is one with several tasks that know nothing of each other.
func (l *logWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	group := rt.NewGroup(ctx)
	for i := range 2 {
		group.Go("writer", func(ctx context.Context) error { return l.write(ctx, rt, fmt.Sprintf("writer %d", i)) })
	}
	group.Go("reader", func(ctx context.Context) error { return l.read(ctx, rt) })
	group.Go("collector", func(ctx context.Context) error { return l.truncate(ctx, rt) })
	return group.Wait()
}

// consensus returns the log as a process sees it.
func (l *logWorld) consensus(rt *runtime.Runtime) persist.Consensus {
	return l.watch.Consensus(rt, l.faults.Consensus(rt, l.store.Consensus(rt)))
}

// without returns an error, unless it says that nobody knows, or that nothing has happened.
func without(err error) error {
	if errors.Is(err, persist.ErrIndeterminate) || errors.Is(err, persist.ErrDeterminate) {
		return nil
	}
	return err
}

// write appends behind what it has seen last, which others may have passed, and now and then
// behind what is yet to come.
func (l *logWorld) write(ctx context.Context, rt *runtime.Runtime, name string) error {
	rand, c := rt.Rand(name), l.consensus(rt)
	var expected persist.SeqNo
	for i := 0; ; i++ {
		if rand.IntN(3) == 0 {
			head, _, err := c.Head(ctx, logKey)
			rt.Sometimes(err == nil, "head-read")
			switch {
			case without(err) != nil:
				return err
			case err == nil:
				expected = head.SeqNo
			}
		}
		ahead := persist.SeqNo(0)
		if rand.IntN(8) == 0 {
			ahead = runtime.Between[persist.SeqNo](rand, 1, 2)
		}
		data := fmt.Appendf(nil, "%s.%d %s %d", rt.Node(), rt.Incarnation(), name, i)
		next := persist.Versioned{SeqNo: expected + ahead + 1, Data: data}
		isDone, err := c.CompareAndSet(ctx, logKey, expected+ahead, next)
		if without(err) != nil {
			return err
		}
		rt.Sometimes(isDone, "confirmed")
		rt.Sometimes(err == nil && !isDone, "refused")
		rt.Sometimes(err == nil && !isDone && ahead > 0, "refused-ahead")
		rt.Sometimes(errors.Is(err, persist.ErrIndeterminate), "unclear")
		if isDone {
			expected = next.SeqNo
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(100))*time.Millisecond); err != nil {
			return err
		}
	}
}

// read reads some of the log, or all of it page by page.
func (l *logWorld) read(ctx context.Context, rt *runtime.Runtime) error {
	rand, c := rt.Rand("reader"), l.consensus(rt)
	for {
		from, limit := persist.SeqNo(rand.IntN(int(l.watch.Newest())+3)), runtime.Between(rand, 1, 12)
		for pages := rand.IntN(4); ; pages-- {
			versions, err := c.Scan(ctx, logKey, from, limit)
			if without(err) != nil {
				return err
			}
			rt.Sometimes(len(versions) > 0, "scanned")
			rt.Sometimes(len(versions) > 0 && versions[0].SeqNo > max(from, 1), "scanned-from-the-middle")
			if pages <= 0 || len(versions) < limit {
				break
			}
			from = versions[limit-1].SeqNo + 1
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(100))*time.Millisecond); err != nil {
			return err
		}
	}
}

// truncate gives the beginning up, now and then all but the newest version, or more than
// there is, which is refused.
func (l *logWorld) truncate(ctx context.Context, rt *runtime.Runtime) error {
	rand, c := rt.Rand("collector"), l.consensus(rt)
	for {
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(500))*time.Millisecond); err != nil {
			return err
		}
		newest := l.watch.Newest()
		before := newest - min(newest, persist.SeqNo(rand.IntN(12)))
		if rand.IntN(6) == 0 {
			before = newest + runtime.Between[persist.SeqNo](rand, 1, 2)
		}
		_, err := c.Truncate(ctx, logKey, before)
		isTooFar := errors.Is(err, persist.ErrUsage)
		rt.Sometimes(err == nil, "truncated")
		rt.Sometimes(isTooFar, "truncated-too-far")
		if !isTooFar && without(err) != nil {
			return err
		}
	}
}

// audit reads all that is left of the log, without faults.
func (l *logWorld) audit(ctx context.Context, rt *runtime.Runtime) error {
	c := l.watch.Consensus(rt, l.store.Consensus(rt))
	if _, _, err := c.Head(ctx, logKey); err != nil {
		return err
	}
	if _, err := c.Scan(ctx, logKey, 0, 1<<20); err != nil {
		return err
	}
	l.watch.Audit(rt)
	return nil
}
