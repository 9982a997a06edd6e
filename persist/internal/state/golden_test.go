package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/internal/wire/wiretest"
)

// The files under testdata/golden are records as they are stored, in diagnostic
// notation for people and in hexadecimal for the test. They must never change: a
// shard that was written with them has to be read for ever, and by other versions
// of this program at the same time. Whoever changes a format makes a new version
// of it, and a new file.

func TestDiffsAreStoredAsEver(t *testing.T) {
	s := goldenShard(t)
	for _, c := range []struct {
		file string
		n    state.SeqNo
	}{
		{"diff_first_version", 1},
		{"diff_append", 2},
		{"diff_downgrade", 6},
		{"diff_everything", 9},
		{"diff_merge", 10},
	} {
		t.Run(c.file, func(t *testing.T) {
			stored := requireGolden(t, c.file, s.log[c.n-1])
			diff, err := state.DecodeDiff(stored)
			if err != nil {
				t.Fatalf("DecodeDiff: %v", err)
			}
			if want := state.Between(s.versions[c.n-1], s.versions[c.n]); !cmp.Equal(want, diff) {
				t.Errorf("read as something else (-want +got):\n%s", cmp.Diff(want, diff))
			}
		})
	}
}

func TestRollupsAreStoredAsEver(t *testing.T) {
	s := goldenShard(t).current()
	stored := requireGolden(t, "rollup_everything", rollup(t, s))
	decoded, err := state.DecodeRollup(stored)
	if err != nil {
		t.Fatalf("DecodeRollup: %v", err)
	}
	if !decoded.Equal(s) {
		t.Errorf("read as something else:\n%v", decoded)
	}
}

// goldenShard has every field that there is, and none of them zero.
func goldenShard(t tester) *shard {
	s := busyShard(t)
	part := state.Part{
		Key:    state.PartName{Class: state.AppendedPart, Epoch: 5, Writer: writer1, ID: number[state.BlobID](4)}.Key(),
		Format: state.ParquetFormat, EncodedSize: 4000, Checksum: 0xdeadbeef, Length: 300, DiffsSum: -7,
		Rewrite: frontier.At(8), RowLower: []byte("lower"), Stats: []byte("stats"),
	}
	spilled := state.SpilledRun{
		Key:        state.PartName{Class: state.StagedPart, Epoch: 4, Writer: writer1, ID: number[state.BlobID](5)}.Key(),
		ObjectSize: 900, Checksum: 0xfeedface, PartSizeMax: 70_000, DiffsSum: 11,
	}
	encrypted := state.Part{
		Key:    state.PartName{Class: state.AppendedPart, Epoch: 5, Writer: writer1, ID: number[state.BlobID](6)}.Key(),
		Format: state.ParquetFormat, EncodedSize: 5000, Checksum: 0xc0ffee, Length: 200, DiffsSum: 9,
		KeyID: "2026-11", Bounds: []byte("bounds, encrypted"),
	}
	batch := state.Batch{
		IDs:  state.BatchIDs{Lower: 3, Upper: 4},
		Desc: state.Desc{Lower: frontier.At(8), Upper: frontier.Empty(), Since: frontier.At(1)},
		Runs: []state.Run{
			{
				ID: number[state.RunID](2), Order: state.ByColumns, Schema: 1, Parts: []state.Part{part, encrypted},
				Length: 500, EncodedSize: 9000,
			},
			{ID: number[state.RunID](3), Order: state.ByRow, Spilled: &spilled, Length: 50_000, EncodedSize: 1 << 33},
		},
		Length: 50_500, EncodedSize: 1<<33 + 9000,
	}
	old := s.current()
	s.edit(t, 2000, state.Diff{
		ActiveRollup: replace(old.ActiveRollup(), state.Activity{SeqNo: 9, StartedMS: 1234}),
		Batches: append(append(
			update(state.BatchID(0), old.Batches().Lookup(0), func(b *state.Batch) {
				b.IDs.Upper, b.Desc.Upper = 2, frontier.At(5)
			}),
			remove(state.BatchID(1), old.Batches().Lookup(1))...),
			insert(state.BatchID(3), batch)...),
	})
	return s
}

func requireGolden(t *testing.T, file string, record []byte) (stored []byte) {
	t.Helper()
	return wiretest.Golden(t, filepath.Join("testdata", "golden", "v3", file+".txt"), record)
}

// TestEarlierVersionsAreRead protects shards that were written before parts were
// objects, or before they could be encrypted: every record of theirs is read, and means
// what it meant, to the last byte.
func TestEarlierVersionsAreRead(t *testing.T) {
	for version := state.OldestFormat; version < state.CurrentFormat; version++ {
		for _, file := range []string{
			"diff_first_version", "diff_append", "diff_downgrade", "diff_everything", "diff_merge", "rollup_everything",
		} {
			t.Run(fmt.Sprint(version, " ", file), func(t *testing.T) {
				stored := wiretest.ReadGolden(t, filepath.Join("testdata", "golden", fmt.Sprint("v", version), file+".txt"))
				if again := reencode(t, version, file, stored); !bytes.Equal(stored, again) {
					t.Errorf("written again it is\n%x and not\n%x", again, stored)
				}
			})
		}
	}
}

func reencode(t *testing.T, version state.FormatVersion, file string, stored []byte) (again []byte) {
	t.Helper()
	if strings.HasPrefix(file, "rollup") {
		s, err := state.DecodeRollup(stored)
		if err == nil {
			err = s.Check()
		}
		if err != nil || s.Header().Version != version {
			t.Fatalf("a rollup of version %d: %v", s.Header().Version, err)
		}
		return rollup(t, s)
	}
	diff, err := state.DecodeDiff(stored)
	if err != nil || diff.Version != version {
		t.Fatalf("a diff of version %d: %v", diff.Version, err)
	}
	again, err = state.EncodeDiff(diff)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// A format that this program does not know is not corruption, and is never
// guessed at.
func TestOtherFormatsAreRefused(t *testing.T) {
	s := goldenShard(t)
	for _, version := range []uint64{0, uint64(state.CurrentFormat) + 1} {
		var refusal *state.VersionError
		if _, err := state.DecodeDiff(reseal(t, s.log[1], version)); !errors.As(err, &refusal) || refusal.Found != version {
			t.Errorf("a diff of version %d: error is %v, want a VersionError", version, err)
		}
		if _, err := state.DecodeRollup(reseal(t, rollup(t, s.current()), version)); !errors.As(err, &refusal) {
			t.Errorf("a rollup of version %d: error is %v, want a VersionError", version, err)
		}
	}
}

// reseal returns the record with another version, and intact.
func reseal(t *testing.T, record []byte, version uint64) []byte {
	t.Helper()
	var parts []any
	if err := cbor.Unmarshal(record, &parts); err != nil {
		t.Fatal(err)
	}
	resealed, err := wire.Seal(wire.Kind(parts[0].(uint64)), version, parts[3].([]byte))
	if err != nil {
		t.Fatal(err)
	}
	return resealed
}

// sealRollup returns a rollup of what may be no state that ever was.
func sealRollup(t *testing.T, diff *state.Diff) []byte {
	t.Helper()
	body, err := wire.Marshal(diff)
	if err != nil {
		t.Fatal(err)
	}
	record, err := wire.Seal(wire.KindRollup, uint64(state.CurrentFormat), body)
	if err != nil {
		t.Fatal(err)
	}
	return record
}
