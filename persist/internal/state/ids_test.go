package state_test

import (
	"encoding"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Ids are read out of object keys and typed in by people: each has one text, and
// a text of one kind is none of another.
func TestIDsHaveOneText(t *testing.T) {
	t.Run("shard", testID('s', state.ParseShardID))
	t.Run("writer", testID('w', state.ParseWriterID))
	t.Run("leased reader", testID('r', state.ParseLeasedReaderID))
	t.Run("critical reader", testID('c', state.ParseCriticalReaderID))
	t.Run("blob", testID('b', state.ParseBlobID))
	t.Run("run", testID('n', state.ParseRunID))
	t.Run("token", testID('t', state.ParseIdempotencyToken))
}

type id[T any] interface {
	~[16]byte
	fmt.Stringer
	encoding.TextMarshaler
	Compare(T) int
}

func testID[T id[T]](prefix byte, parse func(string) (T, error)) func(*testing.T) {
	return rapid.MakeCheck(func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 16, 16)
		first, second := T(bytes.Draw(t, "first")), T(bytes.Draw(t, "second"))
		text := first.String()
		if len(text) != 33 || text[0] != prefix {
			t.Fatalf("text is %q", text)
		}
		if parsed, err := parse(text); err != nil || parsed.Compare(first) != 0 {
			t.Fatalf("Parse(%q) is %v, error %v", text, parsed, err)
		}
		if got, want := first.Compare(second), strings.Compare(text, second.String()); got != want {
			t.Fatalf("%v compares with %v as %d, want %d", first, second, got, want)
		}
		requireTextRoundTrip(t, first)
		for _, other := range []string{
			"", text[1:], text + "0", text[:32], strings.ToUpper(text), "x" + text[1:], text[:32] + "g", " " + text[1:],
		} {
			var malformed *state.MalformedError
			if _, err := parse(other); !errors.As(err, &malformed) || !errors.Is(err, state.ErrUsage) {
				t.Fatalf("Parse(%q): error is %v, want a MalformedError", other, err)
			}
		}
	})
}

func requireTextRoundTrip[T id[T]](t *rapid.T, id T) {
	text, err := id.MarshalText()
	if err != nil {
		t.Fatalf("MarshalText: %v", err)
	}
	var again T
	unmarshaler := any(&again).(encoding.TextUnmarshaler)
	if err := unmarshaler.UnmarshalText(text); err != nil || again.Compare(id) != 0 {
		t.Fatalf("UnmarshalText(%q) is %v, error %v", text, again, err)
	}
	if err := unmarshaler.UnmarshalText([]byte("nonsense")); err == nil || again.Compare(id) != 0 {
		t.Fatalf("UnmarshalText of nonsense is %v, error %v", again, err)
	}
}

func TestRollupKeysHaveOneText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := state.SeqNo(rapid.Uint64Max(uint64(state.MaxSeqNo)).Draw(t, "n"))
		blob := number[state.BlobID](rapid.Byte().Draw(t, "blob"))
		key := state.NewRollupKey(n, blob)
		if gotN, gotBlob, err := key.Parse(); err != nil || gotN != n || gotBlob != blob {
			t.Fatalf("%q is parsed as %v and %v, error %v", key, gotN, gotBlob, err)
		}
	})
	blob := number[state.BlobID](1).String()
	for _, key := range []string{
		"", "v", "v1", "v1/", "/" + blob, "1/" + blob, "v01/" + blob, "v+1/" + blob, "v-1/" + blob, "vv1/" + blob,
		"v1/" + blob + "/", "v1//" + blob, "v99999999999999999999/" + blob, "v9223372036854775808/" + blob,
	} {
		var malformed *state.MalformedError
		if _, _, err := state.RollupKey(key).Parse(); !errors.As(err, &malformed) {
			t.Errorf("Parse(%q): error is %v, want a MalformedError", key, err)
		}
	}
}

// Commands take keys from their callers, and look at them before anything else.
func TestCommandsRefuseMalformedKeys(t *testing.T) {
	_, initialised := state.Evaluate(state.Environment{}, new(state.State), state.Initialise{Rollup: "v1"})
	_, added := state.Evaluate(state.Environment{}, busyShard(t).current(), state.AddRollup{Key: "v1"})
	for _, err := range []error{initialised, added} {
		var malformed *state.MalformedError
		if !errors.As(err, &malformed) {
			t.Errorf("error is %v, want a MalformedError", err)
		}
	}
	second := state.Initialise{Rollup: state.NewRollupKey(2, state.BlobID{})}
	if _, err := state.Evaluate(state.Environment{}, new(state.State), second); !errors.Is(err, state.InvalidRollup) {
		t.Errorf("a first rollup of version 2: error is %v, want InvalidRollup", err)
	}
}

// The reclaimer deletes by these keys: what it cannot parse it must leave alone,
// and what it can parse has to mean what it says.
func TestPartKeysHaveOneText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := state.PartName{
			Class:  rapid.SampledFrom([]state.PartClass{state.AppendedPart, state.StagedPart}).Draw(t, "class"),
			Epoch:  state.Epoch(rapid.Uint64().Draw(t, "epoch")),
			Writer: number[state.WriterID](rapid.Byte().Draw(t, "writer")),
			ID:     number[state.BlobID](rapid.Byte().Draw(t, "blob")),
		}
		if got, err := name.Key().Parse(); err != nil || got != name {
			t.Fatalf("%q is parsed as %+v, error %v", name.Key(), got, err)
		}
	})
	good := string(state.PartName{Class: state.AppendedPart, Epoch: 10}.Key())
	for _, key := range []string{
		"", "e", "/", "-", good[1:], "x" + good[1:], strings.Replace(good, "a-", "A-", 1), strings.Replace(good, "0", "", 1),
		good + "/", good + "0", strings.Replace(good, "/b", "/s", 1), strings.Replace(good, "-w", "-r", 1), "v1/" + good[52:],
	} {
		var malformed *state.MalformedError
		if _, err := state.PartKey(key).Parse(); !errors.As(err, &malformed) {
			t.Errorf("Parse(%q): error is %v, want a MalformedError", key, err)
		}
	}
}

func ExampleParseShardID() {
	id, err := state.ParseShardID("s0102030405060708090a0b0c0d0e0f10")
	fmt.Println(id, err)
	_, err = state.ParseShardID("w0102030405060708090a0b0c0d0e0f10")
	fmt.Println(err)
	// Output:
	// s0102030405060708090a0b0c0d0e0f10 <nil>
	// malformed shard id "w0102030405060708090a0b0c0d0e0f10"
}

func ExampleRollupKey_Parse() {
	key := state.NewRollupKey(42, state.BlobID{1})
	fmt.Println(key)
	n, _, err := key.Parse()
	fmt.Println(n, err)
	// Output:
	// v42/b01000000000000000000000000000000
	// v42 <nil>
}
