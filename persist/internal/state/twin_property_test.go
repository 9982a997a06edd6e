package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Any sequence of commands, one or several to a version, and of what later
// commands will do, has the same answers and leads to the same versions as on the
// twin; and every commit is valid.
func TestCommandsMatchTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPair(t)
		t.Repeat(map[string]func(*rapid.T){
			"commands": s.commands,
			"time":     s.passTime,
			"lease":    s.lease,
			"claim":    s.claim,
			"forget":   s.forgetRollups,
			"":         s.check,
		})
	})
}

// pair is a shard and its twin.
type pair struct {
	*shard
	twin twin
	env  state.Environment
}

func newPair(t *rapid.T) *pair {
	p := &pair{shard: newShard(), env: state.Environment{NowMS: 1000, Hostname: "alpha", Config: state.Config{
		RollupThreshold: rapid.Uint64Range(1, 6).Draw(t, "rollup threshold"), RollupFallbackMS: 20,
	}}}
	evaluation, err := state.Evaluate(p.env, p.current(), state.Initialise{
		Shard: number[state.ShardID](1), Rollup: state.NewRollupKey(1, number[state.BlobID](1)),
	})
	if err != nil || !p.commit(t, evaluation.Transition) {
		t.Fatalf("Initialise: %v", err)
	}
	p.twin = view(p.current())
	if rapid.IntRange(0, 4).Draw(t, "ends") == 0 {
		p.end(t)
	}
	return p
}

// end leads the shard to its end, where not many sequences would get.
func (p *pair) end(t *rapid.T) {
	id, opaque := number[state.CriticalReaderID](1), state.Opaque{Codec: "epoch", Value: [8]byte{7: 1}}
	for _, step := range []func(*state.Candidate) verdict{
		func(c *state.Candidate) verdict {
			return execute(c, state.RegisterCriticalReader{ID: id, Opaque: opaque})
		},
		func(c *state.Candidate) verdict {
			return execute(c, state.CompareAndAppend{
				Writer: number[state.WriterID](1), Token: number[state.IdempotencyToken](1),
				New: frontier.Empty(), LeaseMS: 1000,
			})
		},
		func(c *state.Candidate) verdict {
			return execute(c, state.CompareAndDowngradeSince{
				ID: id, Expected: opaque, New: opaque, Since: frontier.Empty(),
			})
		},
		func(c *state.Candidate) verdict { return execute(c, state.ExpireCriticalReader{ID: id}) },
		func(c *state.Candidate) verdict {
			return execute(c, state.ExpireWriter{ID: number[state.WriterID](1)})
		},
	} {
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
	if !p.current().IsTombstone() {
		t.Fatalf("not the end:\n%v", p.current())
	}
	p.twin = view(p.current())
}

func (p *pair) check(t *rapid.T) {
	if diff := cmp.Diff(p.twin, view(p.current()), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the shard is not what its twin is (-twin +shard):\n%s", diff)
	}
}

func (p *pair) passTime(t *rapid.T) {
	p.env.NowMS += uint64(rapid.IntRange(-5, 30).Draw(t, "ms"))
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
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(state.AppendAnswer{}, "IsRuledOut")); diff != "" {
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
	next, wantsRollup := making.finish()
	if transition.Maintenance.WriteRollup != wantsRollup {
		t.Fatalf("a rollup is wanted: %t, want %t", transition.Maintenance.WriteRollup, wantsRollup)
	}
	if !p.commit(t, transition) {
		t.Fatalf("not the next version")
	}
	p.twin = next
}

// command draws a command and runs it on both.
func (p *pair) command(t *rapid.T, candidate *state.Candidate, making *making) (got, want verdict) {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		command := state.RegisterCriticalReader{ID: criticalID(t), Opaque: opaque(t, "opaque")}
		return execute(candidate, command), making.register(command)
	case 1, 2:
		command := state.CompareAndDowngradeSince{
			ID: criticalID(t), Expected: opaque(t, "expected"), New: opaque(t, "new"), Since: someFrontier(t, "since"),
		}
		return execute(candidate, command), making.downgrade(command)
	case 3:
		command := state.ExpireCriticalReader{ID: criticalID(t)}
		return execute(candidate, command), making.expireCritical(command)
	case 4:
		command := state.ExpireWriter{ID: writerID(t)}
		return execute(candidate, command), making.expireWriter(command)
	case 5, 6:
		n := state.SeqNo(rapid.Uint64Range(0, uint64(p.current().SeqNo())+1).Draw(t, "of"))
		blob := number[state.BlobID](rapid.ByteRange(1, 2).Draw(t, "blob"))
		command := state.AddRollup{Key: state.NewRollupKey(n, blob), EncodedSize: 7}
		return execute(candidate, command), making.addRollup(command, p.current().SeqNo())
	default:
		command := p.compareAndAppend(t, making.upper())
		return execute(candidate, command), making.append(command)
	}
}

func execute[A any](candidate *state.Candidate, command state.Command[A]) verdict {
	answer, standing, err := state.Execute(candidate, command)
	if err != nil {
		return verdict{Standing: standing, Problem: problem(err)}
	}
	return verdict{Answer: answer, Standing: standing}
}

func (p *pair) compareAndAppend(t *rapid.T, upper frontier.Antichain) state.CompareAndAppend {
	command := state.CompareAndAppend{
		Writer:   writerID(t),
		LeaseMS:  rapid.Uint64Range(0, 40).Draw(t, "lease"),
		Token:    number[state.IdempotencyToken](rapid.ByteRange(0, 20).Draw(t, "token")),
		Expected: upper,
		New:      someFrontier(t, "new"),
	}
	if rapid.IntRange(0, 3).Draw(t, "is expected") == 0 {
		command.Expected = someFrontier(t, "expected")
	} else if start, ok := upper.Time(); ok {
		command.New = command.New.Join(frontier.At(start + rapid.Uint64Range(0, 2).Draw(t, "step")))
	}
	start, ok := command.Expected.Time()
	if ok && rapid.Bool().Draw(t, "has updates") {
		// Bounds wide enough for the update, whatever those of the append are.
		bounds := command.Expected
		command.Batches = []state.Draft{draft(t, number[state.ShardID](1), bounds, frontier.Empty(),
			part.Update{Row: []byte("row"), Time: start, Diff: 1})}
	}
	return command
}

func (p *pair) lease(t *rapid.T) {
	if p.twin.isTombstone() {
		return
	}
	id := number[state.LeasedReaderID](rapid.ByteRange(1, 3).Draw(t, "leased reader"))
	reader := state.LeasedReader{
		Since: p.current().Since().Join(someFrontier(t, "since")),
		Hold:  p.current().SeqNo(),
		Lease: state.Lease{HeartbeatMS: p.env.NowMS, DurationMS: rapid.Uint64Range(0, 40).Draw(t, "lease")},
	}
	if old, ok := p.current().LeasedReaders().Get(id); ok {
		reader.Since = reader.Since.Join(old.Since)
		reader.Lease.HeartbeatMS = max(reader.Lease.HeartbeatMS, old.Lease.HeartbeatMS)
	}
	p.edit(t, p.env.NowMS, state.Diff{LeasedReaders: []state.Mutation[state.LeasedReaderID, state.LeasedReader]{
		{Key: id, Old: p.current().LeasedReaders().Lookup(id), New: &reader},
	}})
	p.twin = view(p.current())
}

func (p *pair) claim(t *rapid.T) {
	if len(p.twin.Batches) == 0 || len(p.twin.Compactions) > 0 || p.twin.isTombstone() {
		return
	}
	window := p.twin.Batches[rapid.IntRange(0, len(p.twin.Batches)-1).Draw(t, "batch")].IDs
	claimed := state.Compaction{Window: window, StartedMS: p.env.NowMS}
	p.edit(t, p.env.NowMS, state.Diff{Compactions: []state.Mutation[state.BatchID, state.Compaction]{
		{Key: window.Lower, New: &claimed},
	}})
	p.twin = view(p.current())
}

func (p *pair) forgetRollups(t *rapid.T) {
	rollups := p.current().Rollups()
	if rollups.Len() < 2 || p.twin.isTombstone() {
		return
	}
	n, first := rollups.First()
	p.edit(t, p.env.NowMS, state.Diff{
		Rollups:        []state.Mutation[state.SeqNo, state.Rollup]{{Key: n, Old: first}},
		RollupsRemoved: &state.Replacement[state.SeqNo]{Old: p.current().RollupsRemoved(), New: n},
	})
	p.twin = view(p.current())
}

func writerID(t *rapid.T) state.WriterID {
	return number[state.WriterID](rapid.ByteRange(1, 3).Draw(t, "writer"))
}

func criticalID(t *rapid.T) state.CriticalReaderID {
	return number[state.CriticalReaderID](rapid.ByteRange(1, 2).Draw(t, "critical reader"))
}

func opaque(t *rapid.T, label string) state.Opaque {
	codec := rapid.SampledFrom([]string{"epoch", "epoch", "epoch", "epoch", "epoch", "epoch", "text"})
	return state.Opaque{
		Codec: codec.Draw(t, label+" codec"),
		Value: [8]byte{7: rapid.ByteRange(1, 2).Draw(t, label)},
	}
}

// someFrontier is small, so that sequences stay where things happen, and {} once
// in a while, so that some come to their end.
func someFrontier(t *rapid.T, label string) frontier.Antichain {
	times := rapid.Map(rapid.Uint64Range(0, 12), frontier.At)
	return rapid.OneOf(times, times, times, times, times, rapid.Just(frontier.Empty())).Draw(t, label)
}
