package state_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// command draws a command and runs it on both.
func (p *pair) command(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	kinds := []func(*rapid.T, *state.Candidate, *making) (got, want verdict){
		p.append, p.append, p.append, p.append, p.critical, p.critical, p.leased, p.leased, p.leased,
		p.rollup, p.compaction, p.compaction, p.shardWide, p.schema,
	}
	return rapid.SampledFrom(kinds).Draw(t, "kind")(t, candidate, m)
}

func (p *pair) append(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	if rapid.IntRange(0, 5).Draw(t, "expires") == 0 {
		command := state.ExpireWriter{ID: writerID(t)}
		return execute(candidate, command), m.expireWriter(command)
	}
	command := p.compareAndAppend(t, m)
	return execute(candidate, command), m.append(command)
}

func (p *pair) critical(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	switch rapid.IntRange(0, 3).Draw(t, "critical") {
	case 0:
		command := state.RegisterCriticalReader{ID: criticalID(t), Opaque: opaque(t, "opaque")}
		return execute(candidate, command), m.register(command)
	case 1:
		command := state.ExpireCriticalReader{ID: criticalID(t)}
		return execute(candidate, command), m.expireCritical(command)
	default:
		command := state.CompareAndDowngradeSince{
			ID: criticalID(t), Expected: opaque(t, "expected"), New: opaque(t, "new"), Since: someFrontier(t, "since"),
		}
		return execute(candidate, command), m.downgrade(command)
	}
}

func (p *pair) leased(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	id := number[state.LeasedReaderID](rapid.ByteRange(1, 3).Draw(t, "leased reader"))
	switch rapid.IntRange(0, 6).Draw(t, "leased") {
	case 0:
		command := state.HeartbeatLeasedReader{ID: id}
		return execute(candidate, command), m.heartbeatLeased(command)
	case 1:
		command := state.ExpireLeasedReader{ID: id}
		return execute(candidate, command), m.expireLeased(command)
	case 2, 3, 4:
		command := state.DowngradeLeasedReader{ID: id, Since: someFrontier(t, "since"), Hold: p.current().SeqNo()}
		if rapid.IntRange(0, 2).Draw(t, "has a hold") == 0 {
			command.Hold = state.SeqNo(rapid.Uint64Range(0, uint64(p.current().SeqNo())+2).Draw(t, "hold"))
		}
		return execute(candidate, command), m.downgradeLeased(command)
	default:
		command := state.RegisterLeasedReader{
			ID: id, LeaseMS: rapid.Uint64Range(0, 60).Draw(t, "lease"),
			IsAtCriticalSince: rapid.Bool().Draw(t, "at the critical since"),
			HoldsObjectsOnly:  rapid.IntRange(0, 3).Draw(t, "holds objects only") == 0,
			Debug:             state.Debug{Purpose: "test"},
		}
		return execute(candidate, command), m.registerLeased(command)
	}
}

func (p *pair) rollup(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	n := state.SeqNo(rapid.Uint64Range(0, uint64(p.current().SeqNo())+1).Draw(t, "of"))
	if rapid.IntRange(0, 2).Draw(t, "removes") == 0 {
		command := state.RemoveRollups{Keep: n}
		return execute(candidate, command), m.removeRollups(command)
	}
	command := state.AddRollup{
		Key: state.NewRollupKey(n, number[state.BlobID](rapid.ByteRange(1, 2).Draw(t, "blob"))), EncodedSize: 7,
	}
	return execute(candidate, command), m.addRollup(command, p.current().SeqNo())
}

func (p *pair) shardWide(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	epoch := state.Epoch(rapid.Uint64Range(0, 4).Draw(t, "epoch"))
	switch rapid.IntRange(0, 5).Draw(t, "shard wide") {
	case 0:
		command := state.BeginEpoch{Epoch: epoch}
		return execute(candidate, command), m.beginEpoch(command)
	case 1:
		command := state.RaiseFence{Epoch: epoch}
		return execute(candidate, command), m.raiseFence(command)
	case 2:
		command := state.UpgradeVersion{Target: state.FormatVersion(epoch)}
		return execute(candidate, command), m.upgrade(command)
	default:
		return execute(candidate, state.Finalize{}), m.finalize(state.Finalize{})
	}
}

func (p *pair) schema(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	schema := state.Schema{Relation: []byte(rapid.StringMatching("[a-c]").Draw(t, "relation"))}
	if rapid.Bool().Draw(t, "registers") {
		command := state.RegisterSchema{Schema: schema}
		return execute(candidate, command), m.registerSchema(command)
	}
	command := state.EvolveSchema{
		Expected: state.SchemaID(rapid.Uint64Range(0, 2).Draw(t, "expected")), Schema: schema,
		IsCompatible: func(old, new state.Schema) bool { return string(old.Relation) < string(new.Relation) },
	}
	return execute(candidate, command), m.evolveSchema(command)
}

func (p *pair) compareAndAppend(t *rapid.T, m *making) state.CompareAndAppend {
	upper := m.upper()
	command := state.CompareAndAppend{
		Writer:       writerID(t),
		LeaseMS:      rapid.Uint64Range(0, 40).Draw(t, "lease"),
		Token:        number[state.IdempotencyToken](rapid.ByteRange(0, 20).Draw(t, "token")),
		Expected:     upper,
		New:          someFrontier(t, "new"),
		IsSchemaless: rapid.IntRange(0, 3).Draw(t, "is schemaless") == 0,
	}
	if rapid.IntRange(0, 3).Draw(t, "is expected") == 0 {
		command.Expected = someFrontier(t, "expected")
	} else if start, ok := upper.Time(); ok {
		step := frontier.At(start + rapid.Uint64Range(0, 2).Draw(t, "step"))
		command.New = step
		if rapid.IntRange(0, 15).Draw(t, "closes") == 0 {
			command.New = frontier.Empty()
		}
	}
	start, ok := command.Expected.Time()
	if ok && rapid.IntRange(0, 2).Draw(t, "has updates") > 0 {
		// Bounds wide enough for the update, whatever those of the append are.
		runs := p.someRuns(t, start, rapid.Uint64Range(0, 4).Draw(t, "epoch"))
		if rapid.IntRange(0, 7).Draw(t, "under a schema") == 0 {
			runs[0].Schema = state.SchemaID(rapid.Uint64Range(1, 2).Draw(t, "schema"))
		}
		command.Batches = []state.Draft{{
			Shard: number[state.ShardID](1), Lower: command.Expected, Upper: frontier.Empty(), Runs: runs,
		}}
	}
	return command
}

// someRuns has a few runs of a row each, within the state, or one that is an object.
func (p *pair) someRuns(t *rapid.T, time uint64, epoch uint64) (runs []state.Run) {
	if p.current().Header().Version >= 2 && rapid.IntRange(0, 2).Draw(t, "is an object") == 0 {
		return p.object(state.Epoch(epoch), rapid.Uint64Range(1, 9).Draw(t, "length"), 1)
	}
	batch := state.Draft{Lower: frontier.At(time), Upper: frontier.Empty()}
	for range rapid.SampledFrom([]int{1, 1, 2, 4}).Draw(t, "runs") {
		diff := rapid.SampledFrom([]int64{1, -1}).Draw(t, "diff")
		batch, _ = batch.WithInline(number[state.RunID](1), 0, []part.Update{{Row: []byte("r"), Time: time, Diff: diff}})
	}
	if rapid.IntRange(0, 3).Draw(t, "is encrypted") == 0 {
		batch.Runs[0].Parts[0].KeyID = "key" // nobody looks at what is inlined
	}
	return batch.Runs
}

// object returns a run of one object, under a key that was never used.
func (p *pair) object(epoch state.Epoch, length uint64, diffs int64) []state.Run {
	p.blobs++
	id := state.BlobID{p.blobs, byte(p.current().SeqNo())}
	key := state.PartName{Class: state.AppendedPart, Epoch: epoch, ID: id}.Key()
	one := state.Part{Key: key, Format: state.ParquetFormat, EncodedSize: 100, Length: length, DiffsSum: diffs}
	return []state.Run{{Parts: []state.Part{one}, Length: length, EncodedSize: 100}}
}

func (p *pair) compaction(t *rapid.T, candidate *state.Candidate, m *making) (got, want verdict) {
	if len(p.requests) == 0 || rapid.IntRange(0, 4).Draw(t, "claims") == 0 {
		return execute(candidate, state.ClaimCompactions{}), m.claimCompactions(state.ClaimCompactions{})
	}
	if rapid.IntRange(0, 7).Draw(t, "gives back") == 0 {
		command := state.GiveBackCompaction{Claim: rapid.SampledFrom(p.requests).Draw(t, "request").Claim()}
		return execute(candidate, command), m.giveBack(command)
	}
	var command state.ApplyCompaction
	if len(p.results) > 0 && rapid.IntRange(0, 4).Draw(t, "repeats") == 0 {
		command = p.results[rapid.IntRange(max(0, len(p.results)-3), len(p.results)-1).Draw(t, "which result")]
	} else {
		command = p.result(t)
	}
	p.results = append(p.results, command)
	return execute(candidate, command), m.applyCompaction(command)
}

// result is what an executor offers who has been asked at some time: as a rule right.
func (p *pair) result(t *rapid.T) state.ApplyCompaction {
	last := len(p.requests) - 1
	request := p.requests[last-min(last, rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "which request"))]
	command := state.ApplyCompaction{Window: request.Window, Since: request.Since}
	if rapid.IntRange(0, 3).Draw(t, "says of what") > 0 {
		command.Batches = request.Batches
	}
	var runs []state.Run
	var length, diffs = uint64(0), int64(0)
	for _, batch := range request.Batches {
		length, diffs = length+batch.Length, diffs+diffsOf(*batch)
		runs = slices.Concat(runs, batch.Runs)
	}
	epoch := p.current().BatchEpoch()
	switch rapid.IntRange(0, 8).Draw(t, "result") {
	case 0:
		command.Runs = runs // what is merged is also the result
	case 1:
		command.Runs, command.DroppedDiffs = nil, diffs
	case 2:
		command.Since = someFrontier(t, "since")
		command.Runs = p.object(epoch, max(length, 1), diffs)
	case 3:
		command.Runs = p.object(epoch, length+1, diffs)
	case 4:
		command.Runs = p.object(epoch, max(length, 1), diffs-1)
		command.DroppedDiffs = rapid.Int64Range(0, 2).Draw(t, "dropped")
	case 5:
		command.Window.Lower += state.BatchID(rapid.Uint64Range(0, 2).Draw(t, "lower"))
		command.Window.Upper -= state.BatchID(rapid.Uint64Range(0, 1).Draw(t, "upper"))
		command.Runs = p.object(state.Epoch(rapid.Uint64Range(0, 4).Draw(t, "epoch")), 1, diffs)
	default:
		if length > 0 {
			command.Runs = p.object(epoch, rapid.Uint64Range(1, length).Draw(t, "length"), diffs)
		}
	}
	return command
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
