package frontier_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// bounds stands for any record that has frontiers in it.
type bounds struct{ Since, Upper frontier.Antichain }

// An antichain has no exported fields, so an encoder that does not ask it would
// write nothing and read {0} back, without an error.
func TestEncodersKeepFrontiers(t *testing.T) {
	type encoder struct {
		marshal   func(v any) ([]byte, error)
		unmarshal func(data []byte, v any) error
	}
	for name, e := range map[string]encoder{
		"json": {json.Marshal, json.Unmarshal},
		"cbor": {cbor.Marshal, cbor.Unmarshal},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			want := bounds{
				Since: frontiertest.Antichain().Draw(t, "since"),
				Upper: frontiertest.Antichain().Draw(t, "upper"),
			}
			data, err := e.marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got bounds
			if err := e.unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("through %s (-want +got):\n%s", data, diff)
			}
		}))
	}
}

func TestTextIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := frontiertest.Antichain().Draw(t, "frontier")
		got, err := frontier.Parse(want.String())
		if err != nil || got != want {
			t.Fatalf("got %v and error %v, want %v", got, err, want)
		}
	})
}

// There is one text for each frontier, and anything else is refused: a frontier
// that was misread could release everything.
func TestMalformedTextIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "{", "}", "5", "{5", "5}", "{{5}", "{5}}", "{ 5}", "{5} ", "{05}", "{+5}", "{-5}", "{5,7}", "{x}",
		"{18446744073709551616}", "{ }", "{0x5}", "{1_000}",
	} {
		if _, err := frontier.Parse(text); !errors.Is(err, frontier.ErrMalformed) {
			t.Errorf("%q: got error %v", text, err)
		}
		a := frontier.At(9)
		if err := a.UnmarshalText([]byte(text)); !errors.Is(err, frontier.ErrMalformed) || a != frontier.At(9) {
			t.Errorf("%q: got %v and error %v", text, a, err)
		}
	}
}

// In particular nothing at all is not {}.
func TestMalformedBytesAreRefused(t *testing.T) {
	time := binary.LittleEndian.AppendUint64(nil, 5)
	for _, data := range [][]byte{
		nil,
		{1},
		{2},
		{0, 0},
		time, append([]byte{0}, time...), append([]byte{2}, time...),
		append([]byte{1}, time[:7]...), append([]byte{1}, append(time, 0)...),
	} {
		a := frontier.At(9)
		if err := a.UnmarshalBinary(data); !errors.Is(err, frontier.ErrMalformed) || a != frontier.At(9) {
			t.Errorf("%v: got %v and error %v", data, a, err)
		}
	}
}

// Whatever the decoders accept is what the encoders write, byte for byte: there
// are no second spellings.
func FuzzDecodersAcceptOneSpelling(f *testing.F) {
	for _, seed := range []string{"{5}", "{}", "{05}", "\x00", "\x01\x05\x00\x00\x00\x00\x00\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fromText, fromBytes frontier.Antichain
		if fromText.UnmarshalText(data) == nil && fromText.String() != string(data) {
			t.Errorf("%q reads as %v", data, fromText)
		}
		if fromBytes.UnmarshalBinary(data) == nil {
			if again, err := fromBytes.MarshalBinary(); err != nil || string(again) != string(data) {
				t.Errorf("%x reads as %v", data, fromBytes)
			}
		}
	})
}

// Stored frontiers must be readable by later releases: these bytes never change.
func TestBinaryFormIsFixed(t *testing.T) {
	for want, a := range map[string]frontier.Antichain{
		"\x00":                                 frontier.Empty(),
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00": frontier.At(0),
		"\x01\x08\x07\x06\x05\x04\x03\x02\x01": frontier.At(0x0102030405060708),
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff": frontier.At(frontier.MaxTime),
	} {
		data, err := a.MarshalBinary()
		if err != nil || string(data) != want {
			t.Errorf("%v: got %x and error %v, want %x", a, data, err, want)
		}
		var got frontier.Antichain
		if err := got.UnmarshalBinary(data); err != nil || got != a {
			t.Errorf("%x: got %v and error %v, want %v", data, got, err, a)
		}
	}
}

// A mistaken zero value must be the harmless frontier.
func TestZeroAntichainIsTheLeast(t *testing.T) {
	var zero frontier.Antichain
	expect(t, "zero value", zero, frontier.At(0))
}
