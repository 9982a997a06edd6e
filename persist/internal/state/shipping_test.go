package state_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/internal/wire/wiretest"
)

// shippedDraft has every field of a draft, a run, and a part, and none of them zero.
func shippedDraft(t tester) state.Draft {
	t.Helper()
	draft := state.Draft{Shard: number[state.ShardID](1), Lower: frontier.At(3), Upper: frontier.At(9)}
	draft, err := draft.WithInline(number[state.RunID](2), 1, []part.Update{{Row: []byte("row"), Time: 4, Diff: -2}})
	if err != nil {
		t.Fatalf("a draft: %v", err)
	}
	object := shippedPart()
	draft.Runs = append(draft.Runs, state.Run{
		ID: number[state.RunID](3), Order: state.ByRow, Schema: 1, Parts: []state.Part{object},
		Length: object.Length, EncodedSize: object.EncodedSize,
	})
	draft, err = draft.Rewritten(frontier.At(8), frontier.At(12))
	if err != nil {
		t.Fatalf("a draft: %v", err)
	}
	return draft
}

func shippedPart() state.Part {
	name := state.PartName{Class: state.StagedPart, Epoch: 5, Writer: writer1, ID: number[state.BlobID](4)}
	return state.Part{
		Key: name.Key(), Format: state.ParquetFormat, EncodedSize: 4000, Checksum: 0xdeadbeef, Length: 300, DiffsSum: -7,
		RowLower: []byte("lower"), Stats: []byte("stats"),
	}
}

func shippedToken() state.PartToken {
	return state.PartToken{
		Shard: number[state.ShardID](1), Reader: number[state.LeasedReaderID](2), SeqNo: 77,
		Desc:  state.Desc{Lower: frontier.At(3), Upper: frontier.At(9), Since: frontier.At(2)},
		Order: state.ByRow, Schema: 1, Part: shippedPart(), Reading: state.ListenFrom, Time: 5,
	}
}

// TestShippedRecordsAreAsEver protects processes of different versions from each other:
// what one has handed over yesterday another one reads tomorrow.
func TestShippedRecordsAreAsEver(t *testing.T) {
	batch, err := state.EncodeDraft(shippedDraft(t))
	if err != nil {
		t.Fatal(err)
	}
	token, err := state.EncodePartToken(shippedToken())
	if err != nil {
		t.Fatal(err)
	}
	decodedDraft, err := state.DecodeDraft(requireShipped(t, "batch", batch))
	if diff := cmp.Diff(shippedDraft(t), decodedDraft); diff != "" || err != nil {
		t.Errorf("read as something else, %v (-want +got):\n%s", err, diff)
	}
	decodedToken, err := state.DecodePartToken(requireShipped(t, "part_token", token))
	if diff := cmp.Diff(shippedToken(), decodedToken); diff != "" || err != nil {
		t.Errorf("read as something else, %v (-want +got):\n%s", err, diff)
	}
}

func requireShipped(t *testing.T, file string, record []byte) (stored []byte) {
	t.Helper()
	return wiretest.Golden(t, filepath.Join("testdata", "golden", "shipping1", file+".txt"), record)
}

// TestShippedRecordsThatContradictThemselvesAreRefused protects shards from what somebody
// has put together: each is intact, and wrong.
func TestShippedRecordsThatContradictThemselvesAreRefused(t *testing.T) {
	spilled := state.SpilledRun{Key: shippedPart().Key, ObjectSize: 1, PartSizeMax: 1}
	for name, change := range map[string]func(d *state.Draft){
		"bounds":    func(d *state.Draft) { d.Lower = frontier.At(50) },
		"no time":   func(d *state.Draft) { d.Lower = d.Upper },
		"length":    func(d *state.Draft) { d.Runs[1].Length++ },
		"no parts":  func(d *state.Draft) { d.Runs[1].Parts = nil },
		"a key":     func(d *state.Draft) { d.Runs[1].Parts[0].Key = "../other" },
		"a format":  func(d *state.Draft) { d.Runs[1].Parts[0].Format = 9 },
		"checksum":  func(d *state.Draft) { d.Runs[0].Parts[0].Checksum++ },
		"twice":     func(d *state.Draft) { d.Runs = append(d.Runs, d.Runs[1]) },
		"a list":    func(d *state.Draft) { d.Runs[1].Parts, d.Runs[1].Spilled = nil, &spilled },
		"no length": func(d *state.Draft) { d.Runs[1].Length, d.Runs[1].Parts[0].Length = 0, 0 },
	} {
		draft := shippedDraft(t)
		change(&draft)
		data, err := state.EncodeDraft(draft)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := state.DecodeDraft(data); !errors.Is(err, state.ErrCorruption) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, change := range map[string]func(token *state.PartToken){
		"reading":  func(token *state.PartToken) { token.Reading = 3 },
		"order":    func(token *state.PartToken) { token.Order = 3 },
		"no time":  func(token *state.PartToken) { token.Desc.Upper = token.Desc.Lower },
		"a key":    func(token *state.PartToken) { token.Part.Key = "../other" },
		"no place": func(token *state.PartToken) { token.Part.Key = "" },
	} {
		token := shippedToken()
		change(&token)
		data, err := state.EncodePartToken(token)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := state.DecodePartToken(data); !errors.Is(err, state.ErrCorruption) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestShippedRecordsOfOtherFormatsAreRefused protects the tale of what is wrong: a newer
// program is not damage, and a token is no batch.
func TestShippedRecordsOfOtherFormatsAreRefused(t *testing.T) {
	data, err := state.EncodeDraft(shippedDraft(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint64{0, 2} {
		var refusal *state.VersionError
		if _, err := state.DecodeDraft(reseal(t, data, version)); !errors.As(err, &refusal) || refusal.Found != version {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := state.DecodePartToken(data); !errors.Is(err, state.ErrCorruption) {
		t.Errorf("a batch as a token: %v", err)
	}
	if _, err := state.DecodeRollup(data); !errors.Is(err, state.ErrCorruption) {
		t.Errorf("a batch as a rollup: %v", err)
	}
}

// TestARewriteMovesForwardWithinItsUpper protects the conditions under which times may be
// read as later ones, and drafts from each other: the one that was rewritten is another.
func TestARewriteMovesForwardWithinItsUpper(t *testing.T) {
	draft := shippedDraft(t) // rewritten to 8, up to 12
	for name, wrong := range map[string][2]frontier.Antichain{
		"back":           {frontier.At(7), frontier.At(12)},
		"to the upper":   {frontier.At(12), frontier.At(12)},
		"upper back":     {frontier.At(8), frontier.At(11)},
		"to the end":     {frontier.Empty(), frontier.Empty()},
		"beyond the end": {frontier.Empty(), frontier.At(20)},
	} {
		if _, err := draft.Rewritten(wrong[0], wrong[1]); !errors.Is(err, state.InvalidRewrite) {
			t.Errorf("%s: %v", name, err)
		}
	}
	later, err := draft.Rewritten(frontier.At(15), frontier.Empty())
	if err != nil || later.Runs[1].Parts[0].Rewrite != frontier.At(15) || later.Upper != frontier.Empty() {
		t.Errorf("%v, %v", later, err)
	}
	if diff := cmp.Diff(shippedDraft(t), draft); diff != "" {
		t.Errorf("the draft before has changed (-want +got):\n%s", diff)
	}
}

func FuzzDecodeDraft(f *testing.F) {
	data, err := state.EncodeDraft(shippedDraft(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		requireTyped(t, data, func(body []byte) ([]byte, error) {
			draft, err := state.DecodeDraft(body)
			if err != nil {
				return nil, err
			}
			return state.EncodeDraft(draft)
		}, wire.KindBatch)
	})
}

func FuzzDecodePartToken(f *testing.F) {
	data, err := state.EncodePartToken(shippedToken())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		requireTyped(t, data, func(body []byte) ([]byte, error) {
			token, err := state.DecodePartToken(body)
			if err != nil {
				return nil, err
			}
			return state.EncodePartToken(token)
		}, wire.KindToken)
	})
}

// requireTyped decodes data as it is, and as the body of an intact record: what is refused
// is refused with a typed error, and what is taken is written as it was read.
func requireTyped(t *testing.T, data []byte, again func(record []byte) ([]byte, error), kind wire.Kind) {
	t.Helper()
	sealed, err := wire.Seal(kind, 1, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range [][]byte{data, sealed} {
		rewritten, err := again(record)
		var version *state.VersionError
		switch {
		case err == nil && !bytes.Equal(rewritten, record):
			t.Fatalf("%x is written again as %x", record, rewritten)
		case err != nil && !errors.Is(err, state.ErrCorruption) && !errors.As(err, &version):
			t.Fatalf("error is %v", err)
		}
	}
}
