package sim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/sim"
)

// tapes draws any tape that a run could make.
func tapes(t *rapid.T) *sim.Tape {
	tape := &sim.Tape{
		Scenario: rapid.StringN(0, 20, 40).Draw(t, "scenario"),
		Seed:     rapid.Uint64().Draw(t, "seed"),
		Hash:     rapid.Uint64().Draw(t, "hash"),
	}
	for range rapid.IntRange(0, 50).Draw(t, "choices") {
		n := rapid.Uint64Range(2, 1000).Draw(t, "n")
		tape.Choices = binary.AppendUvarint(tape.Choices, n)
		tape.Choices = binary.AppendUvarint(tape.Choices, rapid.Uint64Range(0, n-1).Draw(t, "picked"))
	}
	tape.Failure = rapid.StringN(0, 20, 40).Draw(t, "failure")
	tape.Revision = rapid.StringN(0, 20, 40).Draw(t, "revision")
	tape.StepsMax = rapid.Uint64().Draw(t, "steps")
	for _, d := range []*time.Duration{&tape.TimeMax, &tape.StepCost, &tape.LeaksAfter} {
		*d = time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "limit"))
	}
	if rapid.Bool().Draw(t, "plan") {
		tape.Plan = &sim.Plan{}
		for range rapid.IntRange(0, 3).Draw(t, "faults") {
			tape.Plan.Faults = append(tape.Plan.Faults, sim.Fault{Kind: sim.FaultCrash, Target: "n1", Step: rapid.Uint64().Draw(t, "step")})
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "checkpoints") {
		tape.Checkpoints = append(tape.Checkpoints, sim.Checkpoint{Step: rapid.Uint64().Draw(t, "at"), Hash: rapid.Uint64().Draw(t, "is")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "calls") {
		e := sim.External{
			Task: rapid.StringN(0, 9, 9).Draw(t, "task"), Name: rapid.StringN(0, 9, 9).Draw(t, "name"),
			Count: rapid.Uint64Range(1, 1<<63).Draw(t, "count"), Text: rapid.StringN(0, 9, 9).Draw(t, "text"),
			Kind: rapid.SampledFrom([]sim.ExternalKind{
				sim.ExternalOK, sim.ExternalError, sim.ExternalCanceled, sim.ExternalDeadline, sim.ExternalPanic,
				sim.ExternalGoexit, sim.ExternalSize,
			}).Draw(t, "kind"),
		}
		if result := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "result"); len(result) > 0 {
			e.Result = result
		}
		tape.Externals = append(tape.Externals, e)
	}
	return tape
}

// encode returns the tape as a file.
func encode(t interface{ Fatal(...any) }, tape *sim.Tape) []byte {
	data, err := tape.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTapeRoundTrip protects artefacts: what is written is read again.
func TestTapeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, got := tapes(t), &sim.Tape{}
		if err := got.UnmarshalBinary(encode(t, want)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Choices, want.Choices) || got.Len() != want.Len() {
			t.Fatalf("choices %x, want %x", got.Choices, want.Choices)
		}
		got.Choices, want.Choices = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("tape (-want +got):\n%s", diff)
		}
	})
}

// TestDamagedTapeIsRefused protects replays from tapes that were cut, changed
// or mixed up: a typed error, and the tape in memory stays as it was.
func TestDamagedTapeIsRefused(t *testing.T) {
	good := encode(t, &sim.Tape{
		Scenario: "failover", Seed: 7, Hash: 9, Choices: []byte{2, 1, 3, 0},
		Externals: []sim.External{{Task: "main", Name: "ask", Count: 1, Kind: sim.ExternalError, Text: "no", Result: []byte("x")}},
	})
	kept := sim.Tape{Scenario: "kept", Choices: []byte{2, 0}}
	refuse := func(what string, data []byte) {
		t.Helper()
		tape := kept
		if err := tape.UnmarshalBinary(data); !errors.Is(err, sim.ErrTape) {
			t.Errorf("%s: error %v", what, err)
		}
		if diff := cmp.Diff(kept, tape); diff != "" {
			t.Errorf("%s: the tape has changed (-want +got):\n%s", what, diff)
		}
	}
	for n := range good {
		refuse("cut", good[:n])
		if n >= 4 && n < len(good) {
			refuse("cut, with a checksum that fits", resum(good[:n]))
		}
	}
	refuse("more behind it", resum(append(bytes.Clone(good), good...)))
	for bit := range 8 * len(good) {
		damaged := bytes.Clone(good)
		damaged[bit/8] ^= 1 << (bit % 8)
		refuse("bit flipped", damaged)
	}
	refuse("doubled", append(bytes.Clone(good), good...))
	for what, choices := range map[string][]byte{
		"picked beyond":    {2, 2},
		"among one":        {1, 0},
		"half a choice":    {2},
		"endless number":   bytes.Repeat([]byte{0x80}, 11),
		"picked cut short": {2, 0x80},
	} {
		refuse(what, encode(t, &sim.Tape{Choices: choices}))
	}
	var tape sim.Tape
	if err := tape.UnmarshalBinary(good); err != nil {
		t.Errorf("the undamaged tape: %v", err)
	}
}

// TestTapeOfALaterVersionIsRefused protects against guessing: the error names
// both versions.
func TestTapeOfALaterVersionIsRefused(t *testing.T) {
	data := encode(t, &sim.Tape{})
	data[len("TIDETAPE")] = 3
	err := new(sim.Tape).UnmarshalBinary(resum(data))
	if !errors.Is(err, sim.ErrTape) || !strings.Contains(err.Error(), "version 3, this program reads versions 1 and 2") {
		t.Errorf("error %v", err)
	}
}

// TestTapeOfVersion1IsRead protects the artefacts of failures over a release.
func TestTapeOfVersion1IsRead(t *testing.T) {
	tape, err := sim.ReadTape("testdata/version-1.tape")
	if err != nil || tape.Scenario != "canary" || tape.Len() == 0 || tape.Plan != nil || tape.StepsMax != 0 {
		t.Errorf("%+v, %v", tape, err)
	}
}

// resum gives changed data a checksum that fits.
func resum(data []byte) []byte {
	body := data[:len(data)-4]
	return binary.BigEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// TestTapeWithAnEndlessNameIsNotWritten protects readers from files that they
// would refuse.
func TestTapeWithAnEndlessNameIsNotWritten(t *testing.T) {
	if _, err := (&sim.Tape{Scenario: strings.Repeat("x", 2000)}).MarshalBinary(); !errors.Is(err, sim.ErrTape) {
		t.Errorf("error %v", err)
	}
}

// TestReadTape protects the way from a file to a replay.
func TestReadTape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tape")
	if _, err := sim.ReadTape(path); !errors.Is(err, sim.ErrTape) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if _, err := sim.ReadTape(filepath.Dir(path)); !errors.Is(err, sim.ErrTape) {
		t.Errorf("a folder: error %v", err)
	}
	want := &sim.Tape{Scenario: "failover", Seed: 7, Choices: []byte{3, 2}}
	if err := os.WriteFile(path, encode(t, want), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := sim.ReadTape(path)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, tape (-want +got):\n%s", err, diff)
	}
	if err := os.WriteFile(path, []byte("TIDETAPE"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.ReadTape(path); !errors.Is(err, sim.ErrTape) || !strings.Contains(err.Error(), path) {
		t.Errorf("truncated file: error %v", err)
	}
}

// FuzzTape protects the decoder from any file: it never panics, errors are
// typed, and what it accepts means the same when it is written and read again.
func FuzzTape(f *testing.F) {
	f.Add([]byte("TIDETAPE"))
	f.Add(encode(f, &sim.Tape{}))
	f.Add(encode(f, &sim.Tape{Externals: []sim.External{{Task: "main", Name: "ask", Count: 1, Kind: sim.ExternalOK}}}))
	f.Add(encode(f, &sim.Tape{Scenario: "failover", Seed: 1 << 63, Hash: 1, Choices: []byte{2, 1, 0xff, 1, 0x80, 1}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			var first, second sim.Tape
			if err := first.UnmarshalBinary(data); err != nil {
				if !errors.Is(err, sim.ErrTape) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err := second.UnmarshalBinary(encode(t, &first)); err != nil {
				t.Fatalf("written and read again: %v", err)
			}
			if diff := cmp.Diff(first, second); diff != "" {
				t.Fatalf("written and read again (-first +second):\n%s", diff)
			}
		}
		check(data)
		if len(data) >= 4 {
			check(resum(data)) // past the checksum
		}
	})
}
