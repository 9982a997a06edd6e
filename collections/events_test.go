package collections_test

import (
	"fmt"
	"log/slog"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestEveryStepIsToldOnce protects checkers, which would not see what happened in a step
// that is left out; the newest one is what is to be seen.
func TestEveryStepIsToldOnce(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1))
		p.append(u1, "x", 0, 5)
		hold := p.hold(u2)
		p.setPolicy(u1, from(4))
		hold.Close()
		w.must(p.Drop(w.ctx, u2))
		p.settle()
		var now, newest collections.Inspection
		told, _, err := p.steps.WaitFor(w.ctx, func(told []collections.Inspection) bool {
			now = p.Inspect()
			return uint64(len(told)) >= now.Version
		})
		w.must(err)
		versions := make(map[uint64]bool)
		for _, seen := range told {
			if versions[seen.Version] || seen.Version < 1 || seen.Version > uint64(len(told)) {
				w.Errorf("version %d of %d is told again", seen.Version, len(told))
			}
			versions[seen.Version] = true
			if seen.Version > newest.Version {
				newest = seen
			}
		}
		if diff := cmp.Diff(now, newest, cmpopts.EquateErrors()); diff != "" {
			w.Errorf("(-seen +told):\n%s", diff)
		}
		p.stop()
	})
}

// TestDowngradesAreTold protects those who give objects up when a since moves: they are
// told each move, in order, when it is durable and not before.
func TestDowngradesAreTold(t *testing.T) {
	everywhere(t, func(w *world) {
		told := runtime.NewWatch[[]string](w.rt, nil)
		var p *process
		p = w.open(collections.Config{Events: collections.Events{
			Downgraded: func(id collections.GlobalID, shard persist.ShardID, since frontier.Antichain) {
				if stored := p.stored(shard); stored != since {
					w.Errorf("told is %v, durable is %v", since, stored)
				}
				told.Update(func(all []string) ([]string, bool) { return append(all, fmt.Sprintln(id, shard, since)), true })
			},
		}})
		p.create(described(u1))
		shard := p.one(u1).Shard
		for _, t := range []uint64{3, 3, 8} {
			p.setPolicy(u1, from(t))
			p.settle()
		}
		w.must(p.Drop(w.ctx, u1))
		p.stop()
		all, _ := told.Get()
		want := []string{fmt.Sprintln(u1, shard, "{3}"), fmt.Sprintln(u1, shard, "{8}"), fmt.Sprintln(u1, shard, "{}")}
		if diff := cmp.Diff(want, all); diff != "" {
			w.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestEventsCanBeLogged protects people who read logs: what has happened, to what.
func TestEventsCanBeLogged(t *testing.T) {
	live(t, func(w *world) {
		var log strings.Builder
		events := collections.LoggingEvents(slog.New(slog.NewTextHandler(&log, nil)))
		events.Downgraded(u1, persist.ShardID{0xab}, frontier.At(7))
		events.PromiseBroken(collections.BrokenPromise{
			ID: u2, Dependency: u1, Since: frontier.At(1), Upper: frontier.At(2), Implied: frontier.At(3),
		})
		events.HoldLeaked(collections.HoldInspection{ID: u3, Since: frontier.At(4), Origin: "somebody"})
		lines := strings.Split(log.String(), "\n")
		for i, words := range [][]string{
			{"INFO", "since moved", "collection=u1", "shard=sab0", "since={7}"},
			{"ERROR", "dependency was not kept", "collection=u2", "dependency=u1", "since={1}", "upper={2}", "implied={3}"},
			{"WARN", "hold leaked", "collection=u3", "since={4}", "origin=somebody"},
		} {
			for _, word := range words {
				if !strings.Contains(lines[i], word) {
					t.Errorf("%q does not say %q", lines[i], word)
				}
			}
		}
		if events.Stepped != nil {
			t.Error("steps are logged, which costs as much as there is")
		}
	})
}

// leaking counts the holds that were told to be leaked.
func leaking(w *world) (*runtime.Watch[[]collections.HoldInspection], collections.Config) {
	told := runtime.NewWatch[[]collections.HoldInspection](w.rt, nil)
	return told, collections.Config{Events: collections.Events{HoldLeaked: func(h collections.HoldInspection) {
		told.Update(func(all []collections.HoldInspection) ([]collections.HoldInspection, bool) {
			return append(all, h), true
		})
	}}}
}

// leak acquires holds and loses all but the last of them.
func (p *process) leak() *collections.Hold {
	holds, err := p.Hold(p.w.ctx, u1, u1, u1)
	p.w.must(err)
	p.w.must(holds[0].Downgrade(frontier.At(3)))
	holds[1].Close()
	return holds[2]
}

// TestALeakedHoldIsToldAndClosed protects a live program, which has lost a hold, from
// keeping history for ever: it is given up when the garbage is collected.
func TestALeakedHoldIsToldAndClosed(t *testing.T) {
	live(t, func(w *world) {
		told, config := leaking(w)
		p := w.open(config)
		p.create(described(u1))
		kept := p.leak()
		for all, _ := told.Get(); len(all) == 0; all, _ = told.Get() {
			w.must(w.ctx.Err())
			goruntime.GC()
			goruntime.Gosched()
		}
		all, _ := told.Get()
		if len(all) != 1 || all[0].ID != u1 || all[0].Since != frontier.At(3) || !strings.Contains(all[0].Origin, "leak") {
			t.Errorf("told were %+v", all)
		}
		p.await("one hold", func(seen collections.Inspection) bool {
			return len(seen.Holds) == 1 && cmp.Equal(p.one(u1).Held, []frontier.Change{{Time: 0, Diff: 1}})
		})
		kept.Close()
		p.stop()
	})
}

// TestNothingLeaksInTheSimulator protects seeds from the moment in which garbage is
// collected: there, a lost hold stays open until Close finds it.
func TestNothingLeaksInTheSimulator(t *testing.T) {
	everywhere(t, func(w *world) {
		if w.rt.Live() {
			return
		}
		told, config := leaking(w)
		p := w.open(config)
		p.create(described(u1))
		p.leak().Close()
		if w.rt.Rand("gc").IntN(10) == 0 { // it takes its time
			goruntime.GC()
			goruntime.GC()
		}
		open := wantAs[*collections.OpenHoldsError](w, "close", p.Close(w.ctx))
		if all, _ := told.Get(); len(all) > 0 || len(open.Holds) != 1 {
			w.Errorf("told were %v, open %v", all, open.Holds)
		}
		p.client.Close()
	})
}
