// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// errFenced is what a process learns when a newer epoch has begun.
var errFenced = errors.New("fenced")

// ledger is a log of entries with an epoch in front, in a store that all processes
// share: "2: 1a 1b 2c" is of epoch 2, and has two entries of epoch 1.
type ledger struct {
	store *memory.Store
	fault worldly[lostAnswer]
}

// lostAnswer is the fault: nobody learns what came of a write, which may have been
// done all the same.
type lostAnswer struct {
	process string
	write   int // of the process, from 1; 0 for none
	isDone  bool
}

// writesMax is how many writes a process makes at most before the fault, which is
// asserted: so all writes are among those whose answer may be lost.
const writesMax = 5

// drawLostAnswer draws one of the writes of one of the processes, or none.
func drawLostAnswer(rt *runtime.Runtime) lostAnswer {
	i := rt.Choose("storage", "lost answer", 1+2*2*writesMax)
	if i == 0 {
		return lostAnswer{}
	}
	return lostAnswer{process: []string{"one", "two"}[i%2], write: (i + 3) / 4, isDone: i/2%2 == 0}
}

// process is one owner of the ledger. It knows the version that it was the last one
// to see.
type process struct {
	ledger *ledger
	rt     *runtime.Runtime
	log    *memory.Consensus
	epoch  int
	seen   persist.Versioned
	writes int // so far
}

// takeOver begins a new epoch, whatever the others do meanwhile.
func (p *process) takeOver(ctx context.Context) error {
	for {
		if err := p.look(ctx); err != nil {
			return err
		}
		epoch, entries := parseLedger(p.seen.Data)
		done, err := p.set(ctx, epoch+1, entries)
		if done || err != nil {
			p.epoch = epoch + 1
			return err
		}
	}
}

// append adds an entry, once, unless a newer epoch has begun.
func (p *process) append(ctx context.Context, name string) error {
	entry := fmt.Sprint(p.epoch, name)
	for {
		epoch, entries := parseLedger(p.seen.Data)
		switch {
		case epoch != p.epoch:
			return errFenced
		case strings.Contains(entries, entry): // the answer was lost, but not the entry
			return nil
		}
		if done, err := p.set(ctx, epoch, entries+" "+entry); done || err != nil {
			return err
		}
		if err := p.look(ctx); err != nil {
			return err
		}
	}
}

func (p *process) look(ctx context.Context) (err error) {
	p.seen, _, err = p.log.Head(ctx, "ledger")
	return err
}

// set writes the next version. It reports false if somebody else has, or if nobody
// knows.
func (p *process) set(ctx context.Context, epoch int, entries string) (bool, error) {
	p.writes++
	f := p.ledger.fault.get()
	p.rt.Always(p.writes <= writesMax || f.write > 0, "few-writes", "writes", p.writes)
	lost := f.write == p.writes && f.process == p.rt.Node()
	if lost && !f.isDone {
		return false, nil
	}
	next := persist.Versioned{SeqNo: p.seen.SeqNo + 1, Data: fmt.Appendf(nil, "%d:%s", epoch, entries)}
	done, err := p.log.CompareAndSet(ctx, "ledger", p.seen.SeqNo, next)
	if done && !lost {
		p.seen = next
	}
	return done && !lost, err
}

func parseLedger(data []byte) (epoch int, entries string) {
	_, _ = fmt.Sscanf(string(data), "%d:", &epoch) // an empty ledger is of epoch 0
	_, entries, _ = strings.Cut(string(data), ":")
	return epoch, entries
}

// takeover has two processes that take the ledger over, one after the other or at
// once, and append entries; with a fault, the answer to one of the writes is lost. What was
// acknowledged is there once, and nothing of an old epoch follows a newer one.
func takeover(ones, twos []string, faults int) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) {
		var isOpen atomic.Bool
		return takeoverMain(ones, twos, faults, &isOpen, tell), isOpen.Load
	}
}

func takeoverMain(ones, twos []string, faults int, isOpen *atomic.Bool, tell func(string)) sim.Main {
	return func(ctx context.Context, w *sim.World) error {
		isOpen.Store(false)
		rt := w.Runtime()
		l := &ledger{store: memory.New("store", memory.Options{})}
		acknowledged := &worldly[map[string]bool]{value: make(map[string]bool)}
		boot := func(names []string) sim.Boot {
			return func(ctx context.Context, rt *runtime.Runtime) error {
				isOpen.Store(true) // both have booted, and the harness sleeps
				p := &process{ledger: l, rt: rt, log: l.store.Consensus(rt)}
				err := p.takeOver(ctx)
				for _, name := range names {
					if err == nil {
						err = p.append(ctx, name)
						is := err == nil
						acknowledged.change(func(all map[string]bool) map[string]bool {
							all[fmt.Sprint(p.epoch, name)] = is
							return all
						})
					}
				}
				return err
			}
		}
		one, two := booted(w, "one", boot(ones)), booted(w, "two", boot(twos))
		if isOpen.Store(faults > 0); isOpen.Load() {
			l.fault.set(drawLostAnswer(rt))
		}
		isOpen.Store(false)
		must(rt.Sleep(ctx, time.Second))
		isOpen.Store(false)
		ends := fmt.Sprint(one.Wait(), " ", two.Wait())
		return l.check(ctx, rt, acknowledged.get(), func(content string) { tell(content + ", " + ends) })
	}
}

// check asserts what has to be true of the ledger at the end.
func (l *ledger) check(
	ctx context.Context, rt *runtime.Runtime, acknowledged map[string]bool, tell func(string),
) error {
	head, _, err := l.store.Consensus(rt).Head(ctx, "ledger")
	if err != nil {
		return err
	}
	_, entries := parseLedger(head.Data)
	found := make(map[string]int)
	last := ""
	for _, entry := range strings.Fields(entries) {
		found[entry]++
		rt.Always(found[entry] == 1, "once", "ledger", entries)
		rt.Always(last == "" || entry[0] >= last[0], "fenced", "ledger", entries)
		last = entry
	}
	for entry, is := range acknowledged { // in any order: the first violation is the same one
		rt.Always(!is || found[entry] == 1, "acknowledged", "ledger", entries)
	}
	tell(strings.TrimSpace(entries))
	return nil
}
