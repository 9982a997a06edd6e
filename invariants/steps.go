package invariants

import (
	"errors"
	"slices"
	"strings"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// step asserts what has to be true of a controller after a step.
func (p *Process) step(seen collections.Inspection) {
	CheckController(p.rt, seen)
	p.mu.Lock()
	last, isNext := p.last, seen.Version > p.last.Version
	if isNext {
		p.last = seen
	}
	p.ended = p.ended || seen.Ended != nil
	p.mu.Unlock()
	if isNext {
		checkMoves(p.rt, last, seen)
	}
}

// CheckController asserts what has to be true of a controller at any moment until it
// ends. It needs nothing but what [collections.Controller.Inspect] returns.
func CheckController(rt *runtime.Runtime, seen collections.Inspection) {
	if seen.Ended != nil { // nothing is accounted for any more
		return
	}
	all := make(map[collections.GlobalID]*collections.CollectionInspection, len(seen.Collections))
	for i := range seen.Collections {
		all[seen.Collections[i].ID] = &seen.Collections[i]
	}
	tokens := countTokens(rt, seen)
	edges := make(map[collections.GlobalID]*frontier.ChangeBatch, len(all))
	for i := range seen.Collections {
		one := &seen.Collections[i]
		for _, id := range one.DependsOn {
			on := all[id]
			rt.Always(on != nil && !on.IsRemoved && on.Read.LessEqual(one.Read), "I-9", "collection", one.ID,
				"read", one.Read, "dependency", id)
			add(batchOf(edges, id), one.Read)
		}
	}
	for i := range seen.Collections {
		one := &seen.Collections[i]
		checkCapabilities(rt, one, edges[one.ID], tokens[one.ID])
		checkDurable(rt, one)
	}
	for _, h := range seen.Holds {
		one := all[h.ID]
		rt.Always(one != nil && !one.IsRemoved && one.Read.LessEqual(h.Since), "I-14", "collection", h.ID,
			"hold", h.Since, "by", h.Origin)
	}
}

// countTokens adds up the sinces of holds, those of creations included, less the
// changes that the controller has not applied.
func countTokens(
	rt *runtime.Runtime, seen collections.Inspection,
) map[collections.GlobalID]*frontier.ChangeBatch {
	tokens := make(map[collections.GlobalID]*frontier.ChangeBatch)
	for _, h := range slices.Concat(seen.Holds, seen.Reserved) {
		add(batchOf(tokens, h.ID), h.Since)
	}
	known := make(map[collections.GlobalID]bool)
	for _, one := range seen.Collections {
		known[one.ID] = !one.IsRemoved
	}
	for _, change := range seen.Unapplied {
		rt.Always(known[change.ID], "I-19", "collection", change.ID, "changes", change.Changes)
		for t, diff := range change.Changes.All() {
			_ = batchOf(tokens, change.ID).Update(t, -diff)
		}
	}
	return tokens
}

func batchOf(
	all map[collections.GlobalID]*frontier.ChangeBatch, id collections.GlobalID,
) *frontier.ChangeBatch {
	if all[id] == nil {
		all[id] = new(frontier.ChangeBatch)
	}
	return all[id]
}

func add(sum *frontier.ChangeBatch, capability frontier.Antichain) {
	for t := range capability.Elements() {
		_ = sum.Update(t, +1)
	}
}

// checkCapabilities asserts that the capabilities of a collection are accounted
// for (I-1), none of them negative (I-2), its own among them (I-4, I-5), and that
// their frontier is what it is said to be (I-44); without any it would not exist
// (I-11).
func checkCapabilities(
	rt *runtime.Runtime, one *collections.CollectionInspection, edges, tokens *frontier.ChangeBatch,
) {
	if one.IsRemoved {
		rt.Always(tokens == nil || tokens.IsEmpty(), "I-14", "collection", one.ID, "is gone and held at", tokens)
		return
	}
	var expected, held frontier.ChangeBatch
	add(&expected, one.Implied)
	for _, part := range []*frontier.ChangeBatch{edges, tokens} {
		if part != nil {
			_ = expected.Merge(part)
		}
	}
	if tokens != nil {
		held = tokens.Clone()
	}
	var counted, countedHolds frontier.ChangeBatch
	_ = counted.Extend(one.Capabilities...)
	_ = countedHolds.Extend(one.Held...)
	rt.Always(counted.Equal(expected), "I-1", "collection", one.ID, "has", counted, "should have", expected)
	rt.Always(countedHolds.Equal(held), "I-1", "collection", one.ID, "holds", countedHolds, "tokens", held)
	read, hasImplied := frontier.Empty(), one.Implied.IsEmpty()
	for t, count := range counted.All() {
		rt.Always(count > 0, "I-2", "collection", one.ID, "time", t, "count", count)
		read = read.Meet(frontier.At(t))
		hasImplied = hasImplied || one.Implied == frontier.At(t)
	}
	rt.Always(hasImplied, "I-4", "collection", one.ID, "implied", one.Implied)
	rt.Always(one.Read.LessEqual(one.Implied), "I-5", "collection", one.ID, "read", one.Read)
	rt.Always(one.Read == read, "I-44", "collection", one.ID, "read", one.Read, "should be", read)
	rt.Always(!one.Read.IsEmpty(), "I-11", "collection", one.ID)
}

// checkDurable asserts that what is or shall be durable is not ahead of what can
// be read (I-21, I-22), and that something is done about what is not durable yet
// (I-25, I-41); a controller that has lost a shard to another process does not go on
// (I-31).
func checkDurable(rt *runtime.Runtime, one *collections.CollectionInspection) {
	var owner *persist.OwnerError
	rt.Always(!errors.As(one.Broken, &owner), "I-31", "collection", one.ID, "lost", one.Broken)
	isBusy := one.IsMoving || one.Broken != nil
	if one.IsRemoved {
		rt.Always(one.Wanted.IsEmpty() && isBusy, "I-25", "collection", one.ID, "wanted", one.Wanted)
		return
	}
	rt.Always(one.Durable.LessEqual(one.Read), "I-21", "collection", one.ID, "durable", one.Durable)
	rt.Always(one.Wanted.LessEqual(one.Read), "I-22", "collection", one.ID, "wanted", one.Wanted)
	rt.Always(isBusy || one.Durable == one.Read, "I-41", "collection", one.ID, "durable", one.Durable,
		"read", one.Read)
}

// checkMoves asserts what has to be true between two moments: nothing goes back
// (I-6, I-7, I-8, I-24), drops stick (I-13), new collections are not behind their
// dependencies (I-10), policies are obeyed (I-28, I-43), and the epoch stays (I-35).
func checkMoves(rt *runtime.Runtime, last, seen collections.Inspection) {
	isNext := seen.Version == last.Version+1 // steps are told by different tasks, and may be missing
	rt.Always(last.Version == 0 || last.Epoch == seen.Epoch || last.Epoch == 0, "I-35",
		"before", last.Epoch, "now", seen.Epoch)
	before := make(map[collections.GlobalID]*collections.CollectionInspection, len(last.Collections))
	for i := range last.Collections {
		before[last.Collections[i].ID] = &last.Collections[i]
	}
	now := make(map[collections.GlobalID]*collections.CollectionInspection, len(seen.Collections))
	for i := range seen.Collections {
		now[seen.Collections[i].ID] = &seen.Collections[i]
	}
	for i := range seen.Collections {
		one := &seen.Collections[i]
		if old := before[one.ID]; old != nil {
			checkMove(rt, old, one)
		} else if isNext {
			for _, id := range one.DependsOn {
				rt.Always(now[id] != nil && now[id].Implied.LessEqual(one.Implied), "I-10",
					"collection", one.ID, "implied", one.Implied, "dependency", id)
			}
		}
		checkPolicy(rt, one)
		if old := before[one.ID]; old != nil && isNext {
			checkPace(rt, old, one)
		}
	}
}

func checkMove(rt *runtime.Runtime, old, one *collections.CollectionInspection) {
	rt.Always(old.Read.LessEqual(one.Read), "I-6", "collection", one.ID, "before", old.Read, "now", one.Read)
	rt.Always(old.Implied.LessEqual(one.Implied), "I-7", "collection", one.ID, "before", old.Implied,
		"now", one.Implied)
	rt.Always(one.IsRemoved || old.Upper.LessEqual(one.Upper), "I-8", "collection", one.ID, "before", old.Upper,
		"now", one.Upper)
	rt.Always(!old.Implied.IsEmpty() || one.Implied.IsEmpty(), "I-13", "collection", one.ID, "now", one.Implied)
	rt.Always(old.Wanted.LessEqual(one.Wanted) && old.Durable.LessEqual(one.Durable), "I-24",
		"collection", one.ID, "wanted", one.Wanted, "durable", one.Durable)
	rt.Always(!old.IsRemoved || one.IsRemoved, "I-11", "collection", one.ID, "is", "back")
}

// checkPolicy asserts that a collection has given up what its policy asks for.
func checkPolicy(rt *runtime.Runtime, one *collections.CollectionInspection) {
	if one.Implied.IsEmpty() {
		return
	}
	wanted, isKept := one.Policy.Frontier(one.Upper)
	rt.Always(isKept || wanted.LessEqual(one.Implied), "I-43", "collection", one.ID, "policy", one.Policy,
		"upper", one.Upper, "implied", one.Implied)
}

// checkPace asserts that a policy that follows the upper does not get ahead of it in
// a step in which the upper has moved.
func checkPace(rt *runtime.Runtime, old, one *collections.CollectionInspection) {
	text := one.Policy.String()
	follows := strings.HasPrefix(text, "StepBack") || strings.HasPrefix(text, "LagBy")
	hasMoved := old.Implied != one.Implied && old.Upper != one.Upper && !one.Implied.IsEmpty()
	rt.Always(!follows || !hasMoved || one.Implied.LessEqual(one.Upper), "I-28", "collection", one.ID,
		"policy", text, "upper", one.Upper, "implied", one.Implied)
}

// CheckQuiescent asserts what has to be true once nothing is under way any more:
// changes are applied (I-46), holds that were closed have left nothing (I-18),
// uppers are those of the shards (I-42), exactly those that can move are watched
// (I-45), and sinces are durable (I-41).
func (p *Process) CheckQuiescent(rt *runtime.Runtime) {
	c := p.opened()
	seen := c.Inspect()
	CheckController(rt, seen)
	rt.Always(len(seen.Unapplied) == 0 && len(seen.Reserved) == 0, "I-46", "unapplied", len(seen.Unapplied))
	held := make(map[collections.GlobalID]bool)
	for _, h := range seen.Holds {
		held[h.ID] = true
	}
	for _, one := range seen.Collections {
		rt.Always(!one.IsMoving && !one.IsRemoved, "I-46", "collection", one.ID, "wanted", one.Wanted)
		rt.Always(held[one.ID] || len(one.Held) == 0, "I-18", "collection", one.ID, "held", len(one.Held))
		rt.Always(one.IsWatched == !one.Upper.IsEmpty(), "I-45", "collection", one.ID, "watched", one.IsWatched)
		since, upper := p.all.stored(one.Shard.String())
		rt.Always(upper == one.Upper, "I-42", "collection", one.ID, "shard", upper, "known", one.Upper)
		rt.Always(since == one.Read, "I-41", "collection", one.ID, "durable", since, "read", one.Read)
	}
}

func (all *Controllers) stored(key string) (since, upper frontier.Antichain) {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.shard(key)
	return s.since, s.upper
}

// Acquired asserts that holds are those that were asked for, in their order, and as
// of one moment (I-17): a dependency is not held from later on than what depends on
// it, and the same collection not from different times.
func (p *Process) Acquired(ids []collections.GlobalID, holds collections.Holds) {
	p.rt.Always(len(ids) == len(holds), "I-17", "asked", len(ids), "got", len(holds))
	c := p.opened()
	sinces := make(map[collections.GlobalID]frontier.Antichain, len(ids))
	for i, h := range holds {
		before, isRepeated := sinces[ids[i]]
		p.rt.Always(h.ID() == ids[i] && (!isRepeated || before == h.Since()), "I-17", "place", i, "asked", ids[i])
		sinces[ids[i]] = h.Since()
	}
	for _, one := range c.Inspect().Collections {
		since, isHeld := sinces[one.ID]
		for _, id := range one.DependsOn {
			on, isHeldToo := sinces[id]
			p.rt.Always(!isHeld || !isHeldToo || on.LessEqual(since), "I-17", "collection", one.ID, "dependency", id)
		}
	}
}

// Refused asserts that a read was refused for a reason (I-48): the collection cannot
// be read as of that time, or is gone.
func (p *Process) Refused(id collections.GlobalID, asOf uint64) {
	c := p.opened()
	all, err := c.Frontiers(id)
	p.rt.Always(err != nil || !all[0].Read.LessEqualTime(asOf), "I-48", "collection", id, "asOf", asOf)
}
