package state_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// BenchmarkAppend measures what one append costs from end to end, whoever does
// it: the command with the diff that it records, the encoding, and what another
// process does to follow. It must not depend on how many batches there are.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("batches=%d", size), func(b *testing.B) {
			base := shardWithBatches(b, size)
			b.ReportAllocs()
			s := base
			for b.Loop() {
				if s = appendOne(b, s); s.Batches().Len() == size+100 {
					s = base
				}
			}
		})
	}
}

// appendOne evaluates, encodes, decodes and applies an append of one update.
func appendOne(t testing.TB, s *state.State) *state.State {
	lower, _ := s.Upper().Time()
	draft := state.Draft{Shard: s.Shard(), Lower: s.Upper(), Upper: frontier.At(lower + 1)}
	draft, err := draft.WithInline(state.RunID{1}, 0, []part.Update{{Row: []byte("a row"), Time: lower, Diff: 1}})
	if err != nil {
		t.Fatal(err)
	}
	evaluation, err := state.Evaluate(manyBatches(lower), s, state.CompareAndAppend{
		Writer: state.WriterID{1}, LeaseMS: 60_000, Token: state.IdempotencyToken{1, byte(lower)},
		Expected: draft.Lower, New: draft.Upper, Batches: []state.Draft{draft},
	})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := state.EncodeDiff(evaluation.Transition.Diff)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := state.DecodeDiff(encoded)
	if err != nil {
		t.Fatal(err)
	}
	next, err := state.Apply(s, decoded)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// manyBatches is an environment that never asks for batches to be merged.
func manyBatches(nowMS uint64) state.Environment {
	return state.Environment{NowMS: nowMS, Hostname: "host", Config: state.Config{
		BatchesMax: math.MaxInt32, InlineBytesMax: math.MaxInt64,
	}}
}

func shardWithBatches(t testing.TB, size int) *state.State {
	evaluation, err := state.Evaluate(state.Environment{Hostname: "host"}, new(state.State), state.Initialise{
		Shard: state.ShardID{1}, Rollup: state.NewRollupKey(1, state.BlobID{1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := evaluation.Transition.Next
	for range size {
		s = appendOne(t, s)
	}
	return s
}

func BenchmarkRollup(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		s := shardWithBatches(b, size)
		encoded, err := state.EncodeRollup(s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("encode/batches=%d", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := state.EncodeRollup(s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("decode/batches=%d", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := state.DecodeRollup(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
