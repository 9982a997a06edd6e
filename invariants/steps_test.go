package invariants_test

import (
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// The collections of the states that are checked: u2 depends on u1 and is held, u3 is
// gone, u4 is alone and its downgrade is under way, u5 is being dropped. Nobody knows u9.
var u1, u2, u3, u4, u5, u6, u9 = collections.UserID(1), collections.UserID(2), collections.UserID(3),
	collections.UserID(4), collections.UserID(5), collections.UserID(6), collections.UserID(9)

var at, empty = frontier.At, frontier.Empty()

// capabilities are one at each of the times.
func capabilities(times ...uint64) (all []frontier.Change) {
	for _, t := range times {
		all = append(all, frontier.Change{Time: t, Diff: 1})
	}
	return all
}

// right returns a state in which everything is as it has to be.
func right() collections.Inspection {
	type frontiers = collections.Frontiers
	return collections.Inspection{
		Version: 1, Epoch: 3,
		Collections: []collections.CollectionInspection{{
			Frontiers:    frontiers{ID: u1, Upper: at(10), Implied: at(4), Read: at(2)},
			Capabilities: capabilities(2, 4), Wanted: at(2), Durable: at(2), IsWatched: true,
		}, {
			Frontiers: frontiers{ID: u2, Upper: at(8), Implied: at(4), Read: at(2)},
			DependsOn: ids{u1}, Capabilities: capabilities(2, 4), Held: capabilities(2),
			Wanted: at(2), Durable: at(2), IsWatched: true,
		}, {
			Frontiers: frontiers{ID: u3, Upper: empty, Implied: empty, Read: empty},
			Wanted:    empty, Durable: at(5), IsMoving: true, IsRemoved: true,
		}, {
			Frontiers:    frontiers{ID: u4, Upper: at(10), Implied: at(6), Read: at(6)},
			Capabilities: capabilities(6), Wanted: at(5), Durable: at(5), IsMoving: true, IsWatched: true,
		}, {
			Frontiers:    frontiers{ID: u5, Upper: at(9), Implied: empty, Read: at(1)},
			Capabilities: capabilities(1), Held: capabilities(1), Wanted: at(1), Durable: at(1), IsDropping: true,
		}},
		Holds: []collections.HoldInspection{{ID: u2, Since: at(2)}, {ID: u5, Since: at(1)}},
	}
}

// wrong is a change that makes a state wrong, of the inspection or of one collection.
type wrong func(seen *collections.Inspection, one map[collections.GlobalID]*collections.CollectionInspection)

// broken returns the right state after a change.
func (change wrong) broken() collections.Inspection {
	seen := right()
	all := make(map[collections.GlobalID]*collections.CollectionInspection)
	for i := range seen.Collections {
		all[seen.Collections[i].ID] = &seen.Collections[i]
	}
	change(&seen, all)
	return seen
}

// unapplied is a change of holds that the controller has not applied.
func unapplied(id collections.GlobalID, t uint64, diff int64) collections.HoldChange {
	change := collections.HoldChange{ID: id}
	_ = change.Changes.Update(t, diff)
	return change
}

type (
	ids        = []collections.GlobalID
	inspection = *collections.Inspection
	byID       = map[collections.GlobalID]*collections.CollectionInspection
)

// states are wrong by themselves, each with the invariants that it breaks.
var states = map[string]struct {
	want   string
	change wrong
}{
	"nothing is wrong": {"", func(inspection, byID) {}},
	"an ended controller accounts for nothing": {"", func(seen inspection, one byID) {
		seen.Ended, one[u4].Read = errors.New("ended"), at(99)
	}},
	"what is not durable is being moved, or can not": {"", func(_ inspection, one byID) {
		one[u1].Durable, one[u1].IsMoving = at(0), true
		one[u3].IsMoving, one[u3].Broken = false, errors.New("broken")
		one[u4].IsMoving, one[u4].Broken = false, errors.New("broken")
	}},
	"a creation holds its dependency": {"", func(seen inspection, one byID) {
		seen.Reserved = []collections.HoldInspection{{ID: u4, Since: at(6)}}
		one[u4].Capabilities, one[u4].Held = []frontier.Change{{Time: 6, Diff: 2}}, capabilities(6)
	}},
	"a hold was closed, and it was not applied": {"", func(seen inspection, _ byID) {
		seen.Holds, seen.Unapplied = seen.Holds[1:], []collections.HoldChange{unapplied(u2, 2, -1)}
	}},
	"a capability of nobody": {"I-1", func(_ inspection, one byID) { one[u4].Capabilities = capabilities(6, 7) }},
	"a lost capability":      {"I-1 I-44", func(_ inspection, one byID) { one[u1].Capabilities = capabilities(4) }},
	"a lost edge":            {"I-1", func(_ inspection, one byID) { one[u2].DependsOn = nil }},
	"a lost hold":            {"I-1", func(_ inspection, one byID) { one[u2].Held = nil }},
	"a count below zero": {"I-2", func(seen inspection, one byID) {
		seen.Unapplied = []collections.HoldChange{unapplied(u4, 7, +1)}
		one[u4].Held = []frontier.Change{{Time: 7, Diff: -1}}
		one[u4].Capabilities = append(capabilities(6), one[u4].Held...)
	}},
	"no capability of its own": {"I-4", func(seen inspection, one byID) {
		seen.Unapplied = []collections.HoldChange{unapplied(u2, 4, +1)}
		one[u2].Held = append(capabilities(2), frontier.Change{Time: 4, Diff: -1})
		one[u2].Capabilities = capabilities(2)
	}},
	"readable from later on than it wants":  {"I-44 I-5", func(_ inspection, one byID) { one[u4].Read = at(7) }},
	"readable from earlier on than is kept": {"I-44", func(_ inspection, one byID) { one[u4].Read = at(5) }},
	"a dependency that does not exist":      {"I-9", func(_ inspection, one byID) { one[u4].DependsOn = ids{u9} }},
	"a dependency that is gone":             {"I-9", func(_ inspection, one byID) { one[u4].DependsOn = ids{u3} }},
	"a dependency that is ahead": {"I-1 I-9", func(_ inspection, one byID) {
		one[u1].Capabilities, one[u1].Read, one[u1].IsMoving = capabilities(3, 4), at(3), true
	}},
	"it exists for nobody": {"I-11", func(_ inspection, one byID) {
		one[u4].Implied, one[u4].Read, one[u4].Capabilities = empty, empty, nil
	}},
	"a hold on what does not exist": {"I-14", func(seen inspection, _ byID) {
		seen.Holds = append(seen.Holds, collections.HoldInspection{ID: u9, Since: at(3)})
	}},
	"a hold on what is gone": {"I-14", func(seen inspection, _ byID) {
		seen.Holds = append(seen.Holds, collections.HoldInspection{ID: u3, Since: at(3)})
	}},
	"a hold that does not hold": {"I-14 I-44", func(seen inspection, one byID) {
		seen.Holds = append(seen.Holds, collections.HoldInspection{ID: u4, Since: at(5)})
		one[u4].Capabilities, one[u4].Held = capabilities(5, 6), capabilities(5)
	}},
	"a change for what does not exist": {"I-19", func(seen inspection, _ byID) {
		seen.Unapplied = []collections.HoldChange{unapplied(u9, 3, -1)}
	}},
	"durable beyond what is readable":  {"I-21", func(_ inspection, one byID) { one[u4].Durable = at(7) }},
	"a shard that somebody else has":   {"I-31", func(_ inspection, one byID) { one[u4].Broken = &persist.OwnerError{} }},
	"to be durable beyond that":        {"I-22", func(_ inspection, one byID) { one[u4].Wanted = at(7) }},
	"gone, and not to be given up":     {"I-25", func(_ inspection, one byID) { one[u3].Wanted = at(9) }},
	"gone, and nobody gives it up":     {"I-25", func(_ inspection, one byID) { one[u3].IsMoving = false }},
	"not durable, and nobody moves it": {"I-41", func(_ inspection, one byID) { one[u4].IsMoving = false }},
}

// TestTheCheckerSeesWrongStates protects the checker itself: each of its invariants is
// found broken when it is, and only then.
func TestTheCheckerSeesWrongStates(t *testing.T) {
	for name, c := range states {
		t.Run(name, func(t *testing.T) {
			wantBroken(t, c.want, func(rt *runtime.Runtime) { invariants.CheckController(rt, c.change.broken()) })
		})
	}
}

// moves are wrong after the right state, each with the invariants that it breaks.
var moves = map[string]struct {
	want   string
	change wrong
}{
	"nothing has happened": {"", func(inspection, byID) {}},
	"everything has moved on": {"", func(seen inspection, one byID) {
		one[u1].Upper, one[u4].Durable, one[u4].Wanted, one[u4].IsMoving = at(11), at(6), at(6), false
		seen.Collections = slices.Delete(seen.Collections, 2, 3) // u3 is given up
	}},
	"a new one starts with its dependency": {"", func(seen inspection, one byID) {
		one[u1].Capabilities = []frontier.Change{{Time: 2, Diff: 1}, {Time: 4, Diff: 2}}
		seen.Collections = append(seen.Collections, dependent(4))
	}},
	"it can be read from earlier on": {"I-6", func(seen inspection, one byID) {
		seen.Holds = append(seen.Holds, collections.HoldInspection{ID: u4, Since: at(5)})
		one[u4].Capabilities, one[u4].Held, one[u4].Read = capabilities(5, 6), capabilities(5), at(5)
	}},
	"it wants more than before": {"I-7", func(_ inspection, one byID) {
		one[u2].Implied, one[u2].Capabilities = at(2), []frontier.Change{{Time: 2, Diff: 2}}
	}},
	"the upper goes back": {"I-8", func(_ inspection, one byID) { one[u4].Upper = at(9) }},
	"a new one starts behind its dependency": {"I-10", func(seen inspection, one byID) {
		one[u1].Capabilities = capabilities(2, 3, 4)
		seen.Collections = append(seen.Collections, dependent(3))
	}},
	"it comes back": {"I-11", func(_ inspection, one byID) { one[u3].IsRemoved = false }},
	"a drop is taken back": {"I-13 I-7", func(_ inspection, one byID) {
		one[u5].Implied, one[u5].Capabilities = at(7), capabilities(1, 7)
	}},
	"a wish is forgotten":       {"I-24", func(_ inspection, one byID) { one[u4].Wanted = at(4) }},
	"a downgrade is taken back": {"I-24", func(_ inspection, one byID) { one[u4].Durable = at(4) }},
	"a policy gets ahead of the upper": {"I-28", func(_ inspection, one byID) {
		one[u4].Policy, one[u4].Upper = collections.StepBack(), at(12)
		one[u4].Implied, one[u4].Read, one[u4].Capabilities = at(13), at(13), capabilities(13)
	}},
	"a policy is not obeyed":   {"I-43", func(_ inspection, one byID) { one[u4].Policy = collections.StepBack() }},
	"the epoch is another one": {"I-35", func(seen inspection, _ byID) { seen.Epoch = 4 }},
}

// dependent returns a new collection that depends on u1.
func dependent(since uint64) collections.CollectionInspection {
	return collections.CollectionInspection{
		Frontiers: collections.Frontiers{ID: u6, Upper: at(0), Implied: at(since), Read: at(since)},
		DependsOn: ids{u1}, Capabilities: capabilities(since), Wanted: at(since), Durable: at(since),
	}
}

// TestTheCheckerSeesWrongMoves protects the same between two moments, and from what is
// told late: an older state after a newer one is no move.
func TestTheCheckerSeesWrongMoves(t *testing.T) {
	for name, c := range moves {
		t.Run(name, func(t *testing.T) {
			next := c.change.broken()
			next.Version = 2
			wantBroken(t, c.want, func(rt *runtime.Runtime) {
				stepped := invariants.NewControllers(invariants.NewLedger()).Process(rt).Events().Stepped
				stepped(right())
				stepped(next)
				stepped(right())
			})
		})
	}
}

// TestStepsMayBeToldLate protects right controllers from the checker: between two steps of
// which one was not told, or told late, everything may have happened.
func TestStepsMayBeToldLate(t *testing.T) {
	for name, change := range map[string]wrong{
		"created, and then its dependency moves on": func(seen inspection, one byID) {
			one[u1].Capabilities, one[u1].Implied = capabilities(2, 4, 7), at(7)
			seen.Collections = append(seen.Collections, dependent(4))
		},
		"ahead of the upper, and then a policy that is not": func(_ inspection, one byID) {
			one[u4].Implied, one[u4].Read, one[u4].Capabilities = at(13), at(13), capabilities(13)
			one[u4].Policy, one[u4].Upper = collections.StepBack(), at(12)
		},
	} {
		t.Run(name, func(t *testing.T) {
			later := change.broken()
			later.Version = 3
			wantBroken(t, "", func(rt *runtime.Runtime) {
				stepped := invariants.NewControllers(invariants.NewLedger()).Process(rt).Events().Stepped
				stepped(right())
				stepped(later)
			})
		})
	}
}

// wantBroken runs a check and compares the ids of the invariants that it finds broken.
func wantBroken(t *testing.T, want string, check func(rt *runtime.Runtime)) {
	t.Helper()
	var log strings.Builder
	check(runtime.New(runtime.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
	var found []string
	for _, match := range regexp.MustCompile(`assertion (\S+) violated`).FindAllStringSubmatch(log.String(), -1) {
		found = append(found, match[1])
	}
	slices.Sort(found)
	if got := strings.Join(slices.Compact(found), " "); got != want {
		t.Errorf("broken is %q, want %q\n%s", got, want, log.String())
	}
}
