package state_test

import (
	cmpapi "cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Any sequence of commands, one or several to a version, has the same answers, asks
// for the same maintenance and leads to the same versions as on the twin; and every
// commit is valid.
func TestCommandsMatchTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPair(t)
		t.Repeat(map[string]func(*rapid.T){
			"commands": s.commands,
			"more":     s.commands,
			"time":     s.passTime,
			"":         s.check,
		})
	})
}

// pair is a shard and its twin.
type pair struct {
	*shard
	twin twin
	env  state.Environment
	// requests are all that have ever been made to merge batches, and results all
	// that was ever offered: whoever executes them may be late, or repeat himself.
	requests []state.CompactionRequest
	results  []state.ApplyCompaction
	blobs    byte
}

func newPair(t *rapid.T) *pair {
	p := &pair{shard: newShard(), env: state.Environment{NowMS: 1000, Hostname: "alpha", Config: someConfig(t)}}
	evaluation, err := state.Evaluate(p.env, p.current(), state.Initialise{
		Shard: number[state.ShardID](1), Rollup: state.NewRollupKey(1, number[state.BlobID](1)),
	})
	if err != nil || !p.commit(t, evaluation.Transition) {
		t.Fatalf("Initialise: %v", err)
	}
	p.twin = view(p.current())
	if rapid.IntRange(0, 4).Draw(t, "ends") == 0 {
		p.end(t, rapid.IntRange(1, 6).Draw(t, "steps to the end"))
	}
	return p
}

// someConfig is small, so that everything becomes due within a few versions.
func someConfig(t *rapid.T) state.Config {
	return state.Config{
		Format:               rapid.SampledFrom([]state.FormatVersion{0, 3, 2, 1}).Draw(t, "format"),
		RollupThreshold:      rapid.Uint64Range(1, 6).Draw(t, "rollup threshold"),
		RollupFallbackMS:     20,
		GCVersionsMin:        rapid.Uint64Range(1, 4).Draw(t, "gc min"),
		GCVersionsMax:        rapid.Uint64Range(2, 16).Draw(t, "gc max"),
		GCFallbackMS:         20,
		CompactionsMax:       rapid.IntRange(0, 3).Draw(t, "compactions"),
		CompactionFanout:     rapid.IntRange(2, 4).Draw(t, "fanout"),
		CompactionFallbackMS: 20,
		InlineBytesMax:       rapid.SampledFrom([]uint64{0, 20, 60}).Draw(t, "inline bytes"),
		BatchesMax:           rapid.SampledFrom([]int{0, 0, 3, 6}).Draw(t, "batches"),
	}
}

// end leads the shard towards its end, where not many sequences would get.
func (p *pair) end(t *rapid.T, steps int) {
	id, opaque := number[state.CriticalReaderID](1), state.Opaque{Codec: "epoch", Value: [8]byte{7: 1}}
	for _, step := range []func(*state.Candidate) verdict{
		func(c *state.Candidate) verdict {
			return execute(c, state.RegisterCriticalReader{ID: id, Opaque: opaque})
		},
		func(c *state.Candidate) verdict { return execute(c, p.rowTo(t, 0, frontier.At(3))) },
		func(c *state.Candidate) verdict { return execute(c, p.rowTo(t, 3, frontier.Empty())) },
		func(c *state.Candidate) verdict {
			return execute(c, state.CompareAndDowngradeSince{
				ID: id, Expected: opaque, New: opaque, Since: frontier.Empty(),
			})
		},
		func(c *state.Candidate) verdict { return execute(c, state.ExpireCriticalReader{ID: id}) },
		func(c *state.Candidate) verdict {
			return execute(c, state.ExpireWriter{ID: number[state.WriterID](1)})
		},
	}[:steps] {
		candidate, err := state.NewCandidate(p.env, p.current())
		if err != nil {
			t.Fatalf("NewCandidate: %v", err)
		}
		if got := step(candidate); got.Problem != "" {
			t.Fatalf("on the way to the end: %s", got.Problem)
		}
		transition, err := candidate.Finish()
		if err != nil || !p.commit(t, transition) {
			t.Fatalf("Finish: %v", err)
		}
	}
	if p.current().IsTombstone() != (steps == 6) {
		t.Fatalf("after %d steps:\n%v", steps, p.current())
	}
	p.twin = view(p.current())
}

// rowTo appends a row.
func (p *pair) rowTo(t *rapid.T, lower uint64, upper frontier.Antichain) state.CompareAndAppend {
	return state.CompareAndAppend{
		Writer: number[state.WriterID](1), Token: number[state.IdempotencyToken](byte(lower + 1)), LeaseMS: 1000,
		Expected: frontier.At(lower), New: upper,
		Batches: []state.Draft{draft(t, p.current().Shard(), frontier.At(lower), upper, rowAt("r", lower))},
	}
}

func (p *pair) check(t *rapid.T) {
	if diff := cmp.Diff(p.twin, view(p.current()), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the shard is not what its twin is (-twin +shard):\n%s", diff)
	}
}

func (p *pair) passTime(t *rapid.T) {
	p.env.NowMS += uint64(rapid.IntRange(-5, 30).Draw(t, "ms"))
	p.env.GivenBack = nil
	if len(p.requests) > 0 && rapid.IntRange(0, 3).Draw(t, "has given back") == 0 {
		p.env.GivenBack = []state.Compaction{rapid.SampledFrom(p.requests).Draw(t, "request").Claim()}
	}
	p.env.Hostname = rapid.SampledFrom([]string{"alpha", "beta"}).Draw(t, "host")
	p.env.IsExpired = rapid.SampledFrom([]func(state.Lease, uint64) bool{
		nil, nil, nil,
		func(state.Lease, uint64) bool { return true },
		func(state.Lease, uint64) bool { return false },
	}).Draw(t, "expiry")
}

// commands runs some commands on one candidate, and commits what comes of it.
func (p *pair) commands(t *rapid.T) {
	base := p.current()
	candidate, err := state.NewCandidate(p.env, base)
	if err != nil {
		t.Fatalf("NewCandidate: %v", err)
	}
	making := p.twin.next(p.env)
	for range rapid.IntRange(1, 3).Draw(t, "commands") {
		restsOnProposal := making.isCommitted
		got, want := p.command(t, candidate, making)
		if restsOnProposal {
			want.Standing = state.Proposed
		}
		if diff := cmp.Diff(want, got, verdictOptions...); diff != "" {
			t.Fatalf("wrong verdict (-want +got):\n%s", diff)
		}
	}
	transition, err := candidate.Finish()
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	if isCommitted := transition != nil; isCommitted != making.isCommitted {
		t.Fatalf("there is a transition: %t, want %t", isCommitted, making.isCommitted)
	}
	if transition == nil {
		return
	}
	next, work := making.finish()
	p.requests = append(p.requests, transition.Maintenance.Compactions...)
	if diff := cmp.Diff(work, workOf(transition.Maintenance), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("wrong maintenance (-want +got):\n%s", diff)
	}
	requireReferences(t, p.twin, next, transition)
	if !p.commit(t, transition) {
		t.Fatalf("not the next version")
	}
	p.twin = next
}

var verdictOptions = cmp.Options{
	cmpopts.IgnoreFields(state.AppendAnswer{}, "IsRuledOut"), cmpopts.EquateEmpty(),
}

func workOf(m state.Maintenance) maintenance {
	work := maintenance{Rollup: m.WriteRollup, Garbage: m.CollectGarbage}
	for _, request := range m.Compactions {
		merge := merge{Claim: request.Claim(), Since: request.Since}
		for _, batch := range request.Batches {
			merge.Batches = append(merge.Batches, *batch)
		}
		work.Merges = append(work.Merges, merge)
	}
	return work
}

// requireReferences checks that the diff says what is referred to since, and what no
// longer is: garbage collection relies on nothing else.
func requireReferences(t *rapid.T, old, new twin, transition *state.Transition) {
	diff := transition.Diff
	oldParts, newParts := keysOf(old.Batches...), keysOf(new.Batches...)
	oldRollups := slices.Collect(maps.Values(old.Rollups))
	newRollups := slices.Collect(maps.Values(new.Rollups))
	for _, c := range []struct{ name, want, got string }{
		{"parts", listed(newParts), listed(slices.Collect(transition.Next.PartKeys()))},
		{"added parts", listed(without(newParts, oldParts)), listed(diff.AddedParts())},
		{"dropped parts", listed(without(oldParts, newParts)), listed(diff.DroppedParts())},
		{"added rollups", listed(rollupKeys(without(newRollups, oldRollups))), listed(diff.AddedRollups())},
		{"dropped rollups", listed(rollupKeys(without(oldRollups, newRollups))), listed(diff.DroppedRollups())},
	} {
		if c.got != c.want {
			t.Fatalf("%s are %s, want %s\n%v", c.name, c.got, c.want, diff)
		}
	}
}

func rollupKeys(rollups []state.Rollup) (keys []state.RollupKey) {
	for _, rollup := range rollups {
		keys = append(keys, rollup.Key)
	}
	return keys
}

// without returns what is in all and not in others.
func without[T comparable](all, others []T) (rest []T) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			rest = append(rest, one)
		}
	}
	return rest
}

func listed[K cmpapi.Ordered](keys []K) string { return fmt.Sprint(slices.Sorted(slices.Values(keys))) }

func execute[A any](candidate *state.Candidate, command state.Command[A]) verdict {
	answer, standing, err := state.Execute(candidate, command)
	if err != nil {
		return verdict{Standing: standing, Problem: problem(err)}
	}
	return verdict{Answer: answer, Standing: standing}
}
