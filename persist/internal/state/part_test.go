package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

func inlined(t tester, updates ...part.Update) state.Part {
	t.Helper()
	return draft(t, state.ShardID{}, frontier.At(0), frontier.At(10), updates...).Runs[0].Parts[0]
}

func TestInlineUpdatesAreThoseThatWereWritten(t *testing.T) {
	p := inlined(t, rowAt("b", 3), rowAt("a", 4), rowAt("b", 3))
	got, err := p.InlineUpdates()
	if err != nil {
		t.Fatal(err)
	}
	want := []part.Update{rowAt("a", 4), {Row: []byte("b"), Time: 3, Diff: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrong updates (-want +got):\n%s", diff)
	}
}

// Whatever disagrees with what the state says of a part is corruption, and found
// before the updates are believed.
func TestInlineUpdatesFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(p *state.Part){
		"flipped bit":      func(p *state.Part) { p.Inline = flipped(p.Inline, 20) },
		"cut off":          func(p *state.Part) { p.Inline = p.Inline[:len(p.Inline)-1] },
		"another size":     func(p *state.Part) { p.EncodedSize++ },
		"another checksum": func(p *state.Part) { p.Checksum++ },
		"another length":   func(p *state.Part) { p.Length++ },
		"another sum":      func(p *state.Part) { p.DiffsSum++ },
		"no updates":       func(p *state.Part) { p.Length = 0 },
		"another format":   func(p *state.Part) { p.Format = state.ParquetFormat },
		"unknown format":   func(p *state.Part) { p.Format = 77 },
		"an object":        func(p *state.Part) { p.Key = state.PartName{Class: state.AppendedPart}.Key() },
		"nothing at all":   func(p *state.Part) { p.Inline = nil },
		"encrypted":        func(p *state.Part) { p.KeyID = "key" },
		"another encoding": func(p *state.Part) {
			p.Inline = []byte{0xf6}
			p.EncodedSize, p.Checksum = 1, wire.Checksum(p.Inline)
		},
	} {
		p := inlined(t, rowAt("row", 3))
		damage(&p)
		if _, err := p.InlineUpdates(); !errors.Is(err, state.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
}

func TestWithInlineRefusesWhatDoesNotAddUp(t *testing.T) {
	huge := part.Update{Row: []byte("row"), Time: 1, Diff: 1 << 62}
	var overflow *part.OverflowError
	bounds := state.Draft{Upper: frontier.At(3)}
	if _, err := bounds.WithInline(state.RunID{}, 0, []part.Update{huge, huge}); !errors.As(err, &overflow) {
		t.Errorf("error is %v, want an OverflowError", err)
	}
}

// Updates that cancel leave nothing behind: there must be no part without updates.
func TestWithInlineOfNothingHasNoRun(t *testing.T) {
	bounds := state.Draft{Upper: frontier.At(3)}
	cancelled := []part.Update{rowAt("row", 1), {Row: []byte("row"), Time: 1, Diff: -1}}
	if got, err := bounds.WithInline(state.RunID{}, 0, cancelled); err != nil || len(got.Runs) != 0 {
		t.Errorf("there are %d runs, error %v", len(got.Runs), err)
	}
}

// Drafts are values: to add a run to one must not show in another that was made
// from the same.
func TestWithInlineLeavesTheDraftAlone(t *testing.T) {
	base := draft(t, state.ShardID{}, frontier.At(0), frontier.At(9), rowAt("base", 1))
	first, err := base.WithInline(number[state.RunID](2), 0, []part.Update{rowAt("first", 2)})
	if err != nil {
		t.Fatal(err)
	}
	second, err := base.WithInline(number[state.RunID](3), 0, []part.Update{rowAt("second", 3)})
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Runs) != 1 || first.Runs[1].ID != number[state.RunID](2) || second.Runs[1].ID != number[state.RunID](3) {
		t.Errorf("runs are %v, %v and %v", base.Runs, first.Runs, second.Runs)
	}
}

// What a batch says of itself goes into the state, where everybody relies on it.
func TestAppendRefusesInconsistentBatches(t *testing.T) {
	s := busyShard(t)
	blob := state.Part{
		Key:    state.PartName{Class: state.AppendedPart, Epoch: 5}.Key(),
		Format: state.ParquetFormat, EncodedSize: 100, Length: 10,
	}
	valid := state.Run{Order: state.ByRow, Parts: []state.Part{blob}, Length: 10, EncodedSize: 100}
	old := state.PartName{Class: state.AppendedPart, Epoch: 2}.Key()
	for name, c := range map[string]struct {
		want  error
		spoil func(*state.Run)
	}{
		"valid":    {nil, func(*state.Run) {}},
		"no parts": {state.InvalidBatch, func(r *state.Run) { r.Parts = nil }},
		"parts and a list": {state.InvalidBatch, func(r *state.Run) {
			r.Spilled = &state.SpilledRun{Key: r.Parts[0].Key}
		}},
		"another length":         {state.InvalidBatch, func(r *state.Run) { r.Length++ }},
		"another size":           {state.InvalidBatch, func(r *state.Run) { r.EncodedSize++ }},
		"no length":              {state.InvalidBatch, func(r *state.Run) { r.Length = 0 }},
		"unknown order":          {state.InvalidBatch, func(r *state.Run) { r.Order = 9 }},
		"inconsistent part":      {state.InvalidBatch, func(r *state.Run) { r.Parts[0].Format = state.InlineFormat }},
		"part of unknown format": {state.InvalidBatch, func(r *state.Run) { r.Parts[0].Format = 77 }},
		"part without updates": {state.InvalidBatch, func(r *state.Run) {
			r.Parts = append(r.Parts, r.Parts[0])
			r.Parts[1].Length, r.EncodedSize = 0, 200
		}},
		"encrypted": {nil, func(r *state.Run) { r.Parts[0].KeyID, r.Parts[0].Bounds = "key", []byte("bounds") }},
		"encrypted, bounds in the clear": {state.InvalidBatch, func(r *state.Run) {
			r.Parts[0].KeyID, r.Parts[0].RowLower = "key", []byte("lower")
		}},
		"encrypted, stats in the clear": {state.InvalidBatch, func(r *state.Run) {
			r.Parts[0].KeyID, r.Parts[0].Stats = "key", []byte("stats")
		}},
		"encrypted bounds without a key": {state.InvalidBatch, func(r *state.Run) { r.Parts[0].Bounds = []byte("bounds") }},
		"a key with a long name": {state.InvalidBatch, func(r *state.Run) {
			r.Parts[0].KeyID = strings.Repeat("k", state.KeyIDBytesMax+1)
		}},
		"key of no known shape": {state.InvalidBatch, func(r *state.Run) { r.Parts[0].Key = "elsewhere" }},
		"before the fence":      {state.BatchTooOld, func(r *state.Run) { r.Parts[0].Key = old }},
		"unknown schema":        {state.UnknownSchema, func(r *state.Run) { r.Schema = 2 }},
		"rewritten to before":   {state.InvalidBatchBounds, func(r *state.Run) { r.Parts[0].Rewrite = frontier.At(7) }},
		"rewritten to within":   {nil, func(r *state.Run) { r.Parts[0].Rewrite = frontier.At(8) }},
		"spilled, of an old part": {state.BatchTooOld, func(r *state.Run) {
			r.Parts, r.Spilled = nil, &state.SpilledRun{Key: old}
		}},
	} {
		run := valid
		run.Parts = []state.Part{blob}
		c.spoil(&run)
		_, err := state.Evaluate(state.Environment{}, s.current(), state.CompareAndAppend{
			Writer: writer1, Token: number[state.IdempotencyToken](9), Expected: frontier.At(8), New: frontier.At(9),
			Batches: []state.Draft{{
				Shard: s.current().Shard(), Lower: frontier.At(8), Upper: frontier.At(9), Runs: []state.Run{run},
			}},
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}
