package memory_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// dumped is a store with a shard, and its dump.
func dumped(t *testing.T) (rt *runtime.Runtime, shard persist.ShardID, dump []byte) {
	t.Helper()
	rt = runtime.New(runtime.Options{})
	store := memory.New("store", memory.Options{})
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shard = client.NewShardID()
	w, err := client.OpenWriter(t.Context(), shard, persist.WriterOptions{Purpose: "dump"})
	if err != nil {
		t.Fatal(err)
	}
	update := persist.Update{Row: []byte("apple"), Time: 0, Diff: 1}
	if err := w.CompareAndAppend(t.Context(), []persist.Update{update}, frontier.At(0), frontier.At(1)); err != nil {
		t.Fatal(err)
	}
	var buffer, again bytes.Buffer
	if err := errors.Join(store.Dump(&buffer), store.Dump(&again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buffer.Bytes(), again.Bytes()) {
		t.Error("two dumps of one store differ")
	}
	return rt, shard, buffer.Bytes()
}

// TestADumpIsTheStore protects those who look into the store of a failed test later.
func TestADumpIsTheStore(t *testing.T) {
	rt, shard, dump := dumped(t)
	store, err := memory.Load("loaded", bytes.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r, err := client.OpenReader(t.Context(), shard, persist.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	updates, err := r.Snapshot(t.Context(), 0)
	if err != nil || len(updates) != 1 || string(updates[0].Row) != "apple" {
		t.Errorf("got %v, %v", updates, err)
	}
}

// TestForeignDumpsAreRefused protects them from reading something else.
func TestForeignDumpsAreRefused(t *testing.T) {
	_, _, dump := dumped(t)
	for name, data := range map[string][]byte{
		"empty": nil, "foreign": []byte("PK\x03\x04 something"), "truncated": dump[:len(dump)/2],
		"longer": append(bytes.Clone(dump), 0), "flipped": flipped(dump),
	} {
		if _, err := memory.Load(name, bytes.NewReader(data)); !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("%s: got %v, want an error of corruption", name, err)
		}
	}
}

func flipped(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)/2] ^= 1
	return data
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x84, 8, 1, 0, 0x40})
	f.Fuzz(func(t *testing.T, data []byte) {
		store, err := memory.Load("fuzz", bytes.NewReader(data))
		var version *persist.VersionError
		switch {
		case err == nil:
			var again bytes.Buffer
			if err := store.Dump(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
				t.Errorf("what was loaded is dumped as something else: %v", err)
			}
		case !errors.Is(err, persist.ErrCorruption) && !errors.As(err, &version):
			t.Errorf("error of no class: %v", err)
		}
	})
}
