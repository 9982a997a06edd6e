package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// record has one field of each shape that stored types use.
type record struct {
	Number   uint64  `cbor:"1,keyasint"`
	Signed   int64   `cbor:"2,keyasint,omitzero"`
	Name     string  `cbor:"3,keyasint,omitempty"`
	Bytes    []byte  `cbor:"4,keyasint"`
	ID       [4]byte `cbor:"5,keyasint"`
	Pair     pair    `cbor:"6,keyasint"`
	Optional *uint64 `cbor:"7,keyasint,omitempty"`
	List     []pair  `cbor:"8,keyasint,omitempty"`
}

type pair struct {
	_        struct{} `cbor:",toarray"`
	Old, New *uint64
}

func records() *rapid.Generator[record] {
	pairs := rapid.Custom(func(t *rapid.T) pair {
		number := rapid.Ptr(rapid.Uint64(), true)
		return pair{Old: number.Draw(t, "old"), New: number.Draw(t, "new")}
	})
	return rapid.Custom(func(t *rapid.T) record {
		return record{
			Number:   rapid.Uint64().Draw(t, "number"),
			Signed:   rapid.Int64().Draw(t, "signed"),
			Name:     string(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "name")), // also such that is no UTF-8
			Bytes:    rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "bytes"),
			ID:       [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "id")),
			Pair:     pairs.Draw(t, "pair"),
			Optional: rapid.Ptr(rapid.Uint64(), true).Draw(t, "optional"),
			List:     rapid.SliceOfN(pairs, 1, 3).Draw(t, "list"),
		}
	})
}

func TestMarshalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := records().Draw(t, "record")
		data, err := wire.Marshal(&want)
		if err != nil {
			t.Fatalf("Marshal: %v", err)
		}
		var got record
		if err := wire.Unmarshal("record", data, &got); err != nil {
			t.Fatalf("Unmarshal: %v", err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{}, pair{})); diff != "" {
			t.Fatalf("decoded differently (-want +got):\n%s", diff)
		}
	})
}

// Each of these is something that a lenient CBOR decoder takes for a record. Two
// encodings of one value would make equal states differ, and damage look like a
// zero.
func TestUnmarshalRefusesAllButTheOneEncoding(t *testing.T) {
	const valid = "a4" + "0101" + "0441ff" + "054401020304" + "0682f6f6"
	if err := wire.Unmarshal("record", unhex(t, valid), new(record)); err != nil {
		t.Fatalf("the valid encoding is refused: %v", err)
	}
	for name, text := range map[string]string{
		"empty input":         "",
		"missing field":       "a3" + "0101" + "0441ff" + "054401020304",
		"unknown field":       "a5" + "0101" + "0441ff" + "054401020304" + "0682f6f6" + "186300",
		"repeated field":      "a5" + "0101" + "0101" + "0441ff" + "054401020304" + "0682f6f6",
		"fields out of order": "a4" + "0441ff" + "0101" + "054401020304" + "0682f6f6",
		"zero written out":    "a5" + "0101" + "0200" + "0441ff" + "054401020304" + "0682f6f6",
		"empty list":          "a5" + "0101" + "0441ff" + "054401020304" + "0682f6f6" + "0880",
		"null for a number":   "a4" + "01f6" + "0441ff" + "054401020304" + "0682f6f6",
		"null for bytes":      "a4" + "0101" + "04f6" + "054401020304" + "0682f6f6",
		"long number":         "a4" + "011801" + "0441ff" + "054401020304" + "0682f6f6",
		"float":               "a4" + "01f93c00" + "0441ff" + "054401020304" + "0682f6f6",
		"short id":            "a4" + "0101" + "0441ff" + "0543010203" + "0682f6f6",
		"long id":             "a4" + "0101" + "0441ff" + "05450102030405" + "0682f6f6",
		"short pair":          "a4" + "0101" + "0441ff" + "054401020304" + "0681f6",
		"indefinite length":   "bf" + "0101" + "0441ff" + "054401020304" + "0682f6f6" + "ff",
		"tag":                 "c1" + valid,
		"bytes after the end": valid + "00",
		"truncated":           valid[:len(valid)-2],
		"huge array":          "a5" + "0101" + "0441ff" + "054401020304" + "0682f6f6" + "089affffffff",
		"deep nesting":        strings.Repeat("81", 40) + "00",
		"null":                "f6",
	} {
		var corruption *wire.CorruptionError
		if err := wire.Unmarshal("record", unhex(t, text), new(record)); !errors.As(err, &corruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What would not be read must not be written: a shard would be lost.
func TestMarshalRefusesWhatWouldNotBeRead(t *testing.T) {
	if _, err := wire.Marshal(make([]uint8, 1<<21)); err != nil {
		t.Errorf("two MiB of bytes: %v", err)
	}
	if _, err := wire.Marshal(make([]uint64, 1<<21)); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("two million numbers: error is %v, want ErrTooLarge", err)
	}
}

var readable = wire.Versions{Oldest: 3, Newest: 4}

func TestSealRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		version := rapid.Uint64Range(3, 4).Draw(t, "version")
		record, err := wire.Seal(wire.KindDiff, version, want)
		if err != nil {
			t.Fatalf("Seal: %v", err)
		}
		gotVersion, got, err := wire.Open(wire.KindDiff, record, readable)
		if err != nil || gotVersion != version || !bytes.Equal(got, want) {
			t.Fatalf("Open: version %d, body %x, error %v", gotVersion, got, err)
		}
	})
}

func TestOpenRefusesOtherVersions(t *testing.T) {
	for _, version := range []uint64{0, 2, 5, 1 << 60} {
		record, err := wire.Seal(wire.KindDiff, version, []byte("body"))
		if err != nil {
			t.Fatal(err)
		}
		var refusal *wire.VersionError
		if _, _, err := wire.Open(wire.KindDiff, record, readable); !errors.As(err, &refusal) || refusal.Found != version {
			t.Errorf("version %d: error is %v, want a VersionError", version, err)
		}
	}
}

func TestOpenRefusesOtherKinds(t *testing.T) {
	record, err := wire.Seal(wire.KindRollup, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := wire.Open(wire.KindDiff, record, readable); !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("a rollup opened as a diff: error is %v, want corruption", err)
	}
}

// A damaged version must be corruption and not a VersionError, which would send
// people looking for a newer program. So every flip of one or two bits is tried,
// wherever it is.
func TestOpenFindsFlippedBits(t *testing.T) {
	record, err := wire.Seal(wire.KindDiff, 4, []byte("the body of a record"))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(bit int) { record[bit/8] ^= 1 << (bit % 8) }
	for first := range len(record) * 8 {
		flip(first)
		for second := range first + 1 { // first twice is first alone
			if second != first {
				flip(second)
			}
			if _, _, err := wire.Open(wire.KindDiff, record, readable); !errors.Is(err, wire.ErrCorruption) {
				t.Fatalf("bits %d and %d flipped: error is %v, want corruption", first, second, err)
			}
			if second != first {
				flip(second)
			}
		}
		flip(first)
	}
}

func TestErrorsDoNotQuoteTheInput(t *testing.T) {
	const secret = "secret row"
	for _, value := range []any{map[string]int{secret: 1}, []string{secret}, secret} {
		data, err := wire.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.Unmarshal("record", data, new(record)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error is %v", err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var decoded record
		if err := wire.Unmarshal("record", data, &decoded); err != nil {
			if !errors.Is(err, wire.ErrCorruption) {
				t.Fatalf("error is %v, want corruption", err)
			}
			return
		}
		if again, err := wire.Marshal(&decoded); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x (error %v)", data, again, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	record, err := wire.Seal(wire.KindDiff, 4, []byte("body"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, err := wire.Open(wire.KindDiff, data, readable)
		var version *wire.VersionError
		if err != nil && !errors.Is(err, wire.ErrCorruption) && !errors.As(err, &version) {
			t.Fatalf("error is %v, want corruption or a version", err)
		}
	})
}

// The checksum is the one of RFC 3720, so that other tools can verify it.
func TestChecksumIsCRC32C(t *testing.T) {
	zeros := make([]byte, 32)
	if got := bits.ReverseBytes32(wire.Checksum(zeros)); got != 0xaa36918a {
		t.Errorf("checksum of 32 zeros, reversed, is %08x, want aa36918a", got)
	}
}

func ExampleOpen() {
	record, err := wire.Seal(wire.KindDiff, 5, []byte("from the future"))
	if err != nil {
		fmt.Println(err)
	}
	_, _, err = wire.Open(wire.KindDiff, record, wire.Versions{Oldest: 3, Newest: 4})
	fmt.Println(err)

	record[len(record)-1] ^= 1
	_, _, err = wire.Open(wire.KindDiff, record, wire.Versions{Oldest: 3, Newest: 4})
	fmt.Println(err)
	// Output:
	// format version 5 is newer than this program, which reads 3 to 4
	// corrupt diff: wrong checksum
}
