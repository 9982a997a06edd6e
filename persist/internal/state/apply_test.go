package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// A diff that does not belong to the state to which it is applied is corruption,
// whichever of its parts shows it. Were it applied all the same, two processes
// would go on with different states under one number.
func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	base := busyShard(t).current()
	writer := base.Writers().Lookup(writer1)
	reader := base.CriticalReaders().Lookup(critical1)
	for name, spoil := range map[string]func(d *state.Diff){
		"the version before":     func(d *state.Diff) { d.From, d.SeqNo = d.From-1, d.SeqNo-1 },
		"the version after next": func(d *state.Diff) { d.From, d.SeqNo = d.From+1, d.SeqNo+1 },
		"two versions at once":   func(d *state.Diff) { d.SeqNo++ },
		"no version":             func(d *state.Diff) { d.SeqNo = d.From },
		"another shard":          func(d *state.Diff) { d.Shard = number[state.ShardID](7) },
		"time that stands still": func(d *state.Diff) { d.WalltimeMS = base.Header().WalltimeMS },
		"format that goes back":  func(d *state.Diff) { d.Version = 0 },
		"another latest rollup":  func(d *state.Diff) { d.LatestRollup = state.NewRollupKey(2, number[state.BlobID](2)) },
		"no latest rollup":       func(d *state.Diff) { d.LatestRollup = "" },
		"value with another old one": func(d *state.Diff) {
			d.Since = replace(frontier.At(0), frontier.At(2))
		},
		"value replaced by itself": func(d *state.Diff) { d.Since = replace(base.Since(), base.Since()) },
		"insert of what is there":  func(d *state.Diff) { d.Writers = insert(writer1, *writer) },
		"update of what is not there": func(d *state.Diff) {
			d.Writers = update(number[state.WriterID](9), writer, func(w *state.Writer) { w.Upper = frontier.At(3) })
		},
		"update of another value": func(d *state.Diff) {
			other := *writer
			other.Upper = frontier.At(2)
			d.Writers = update(writer1, &other, func(w *state.Writer) { w.Upper = frontier.At(3) })
		},
		"delete of what is not there": func(d *state.Diff) { d.Writers = remove(number[state.WriterID](9), writer) },
		"delete of another value": func(d *state.Diff) {
			other := *reader
			other.Opaque.Value[0] = 1
			d.CriticalReaders = remove(critical1, &other)
		},
		"delete of another batch": func(d *state.Diff) {
			d.Batches = remove(state.BatchID(2), base.Batches().Lookup(1))
		},
		"update to the same value": func(d *state.Diff) {
			d.Writers = update(writer1, writer, func(*state.Writer) {})
		},
		"mutation of nothing": func(d *state.Diff) {
			d.Writers = []state.Mutation[state.WriterID, state.Writer]{{Key: number[state.WriterID](9)}}
		},
		"keys out of order": func(d *state.Diff) {
			d.Writers = append(insert(number[state.WriterID](9), *writer), insert(number[state.WriterID](8), *writer)...)
		},
		"key that is repeated": func(d *state.Diff) {
			d.Writers = append(remove(writer1, writer), remove(writer1, writer)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := base.String()
			diff := &state.Diff{Header: base.Header(), From: base.SeqNo(), LatestRollup: base.LatestRollup().Key}
			diff.SeqNo++
			diff.WalltimeMS++
			if _, err := state.Apply(base, diff); err != nil {
				t.Fatalf("the unspoilt diff is refused: %v", err)
			}
			spoil(diff)
			if _, err := state.Apply(base, diff); !errors.Is(err, state.ErrCorruption) {
				t.Errorf("error is %v, want corruption", err)
			}
			if base.String() != before {
				t.Error("the state has changed")
			}
		})
	}
}

func TestDecodeRollupRefusesImpossibleVersions(t *testing.T) {
	for _, impossible := range []state.Diff{
		{Header: state.Header{SeqNo: 0}},
		{Header: state.Header{SeqNo: state.MaxSeqNo + 1}},
		{Header: state.Header{SeqNo: 5}, From: 3},
	} {
		if _, err := state.DecodeRollup(sealRollup(t, &impossible)); !errors.Is(err, state.ErrCorruption) {
			t.Errorf("a rollup from %v to %v: error is %v, want corruption", impossible.From, impossible.SeqNo, err)
		}
	}
}

// What a row contains is nobody's business but its owner's: errors, states and
// diffs are logged.
func TestTextsDoNotShowRows(t *testing.T) {
	s := newShard()
	env := state.Environment{NowMS: 1000}
	must(t, s, env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	const secret = "secret"
	batch := draft(t, state.ShardID{}, frontier.At(0), frontier.At(3), rowAt(secret, 1))
	must(t, s, env, state.CompareAndAppend{
		Writer: writer1, Token: number[state.IdempotencyToken](1), New: frontier.At(3), Batches: []state.Draft{batch},
	})
	diff, err := state.DecodeDiff(s.log[1])
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.Apply(s.current(), diff)
	if err == nil {
		t.Fatal("a diff was applied twice")
	}
	appended, _ := s.current().Batches().Covering(1)
	for _, text := range []string{
		s.current().String(), diff.String(), err.Error(), batch.Runs[0].String(), batch.Runs[0].Parts[0].String(),
		appended.String(), state.Schema{Relation: []byte(secret)}.String(),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("this shows a row: %s", text)
		}
	}
}

// The log of a shard that is not what it says, as it comes from a store.
func TestCatchUpRefusesADamagedLog(t *testing.T) {
	s := busyShard(t)
	for name, damage := range map[string]func(log map[state.SeqNo][]byte){
		"gap":          func(log map[state.SeqNo][]byte) { delete(log, 5) },
		"exchange":     func(log map[state.SeqNo][]byte) { log[4], log[5] = log[5], log[4] },
		"repetition":   func(log map[state.SeqNo][]byte) { log[5] = log[4] },
		"flipped bit":  func(log map[state.SeqNo][]byte) { log[4] = flipped(log[4], 100) },
		"empty entry":  func(log map[state.SeqNo][]byte) { log[4] = nil },
		"cut off":      func(log map[state.SeqNo][]byte) { log[4] = log[4][:len(log[4])-1] },
		"rollup in it": func(log map[state.SeqNo][]byte) { log[4] = rollup(t, s.versions[4]) },
	} {
		log := map[state.SeqNo][]byte{}
		for n, data := range s.entries(1) {
			log[n] = data
		}
		damage(log)
		_, err := state.CatchUp(s.versions[2], func(yield func(state.SeqNo, []byte) bool) {
			for n := state.SeqNo(1); n <= s.current().SeqNo(); n++ {
				if data, ok := log[n]; ok && !yield(n, data) {
					return
				}
			}
		})
		if !errors.Is(err, state.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
}

func flipped(data []byte, bit int) []byte {
	flipped := append([]byte(nil), data...)
	flipped[bit/8] ^= 1 << (bit % 8)
	return flipped
}

func rollup(t tester, s *state.State) []byte {
	t.Helper()
	encoded, err := state.EncodeRollup(s)
	if err != nil {
		t.Fatalf("EncodeRollup: %v", err)
	}
	return encoded
}

// A diff is no rollup, even though both are encoded alike: the first from nothing
// is complete, all others are not.
func TestDecodeRollupRefusesDiffs(t *testing.T) {
	s := busyShard(t)
	for n, data := range s.entries(1) {
		if _, err := state.DecodeRollup(data); !errors.Is(err, state.ErrCorruption) {
			t.Errorf("the diff to %v as a rollup: error is %v, want corruption", n, err)
		}
	}
}
