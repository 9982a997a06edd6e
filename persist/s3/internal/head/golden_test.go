package head_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist/internal/wire/wiretest"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// The files under testdata/golden are objects as they are stored, in diagnostic notation for
// people and in hexadecimal for the test. They must never change: what was written has to be
// read for ever, and by other versions of this program at the same time. Whoever changes the
// format makes a new version of it, and new files.

func TestHeadsAreStoredAsEver(t *testing.T) {
	for name, o := range map[string]*head.Object{"head_first_version": firstVersion(), "head_everything": everything(t)} {
		t.Run(name, func(t *testing.T) {
			data, err := head.Encode(shard, o)
			if err != nil {
				t.Fatal(err)
			}
			stored := requireGolden(t, name, data)
			got, err := head.Decode(shard, stored)
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if diff := cmp.Diff(o, got); diff != "" {
				t.Errorf("read as something else (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSegmentsAreStoredAsEver(t *testing.T) {
	data, link, err := head.EncodeSegment(shard, number(7), versions(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := head.DecodeSegment(shard, link, requireGolden(t, "segment", data))
	if err != nil {
		t.Fatalf("DecodeSegment: %v", err)
	}
	if diff := cmp.Diff(versions(3, 4), entries); diff != "" {
		t.Errorf("read as something else (-want +got):\n%s", diff)
	}
}

// TestEveryGoldenFileIsRead protects objects that were written before: no file is forgotten.
func TestEveryGoldenFileIsRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*", "*.txt"))
	if err != nil || len(files) != 3 {
		t.Errorf("there are the files %v (%v); each needs a test", files, err)
	}
}

func requireGolden(t *testing.T, name string, record []byte) (stored []byte) {
	t.Helper()
	return wiretest.Golden(t, filepath.Join("testdata", "golden", "v1", name+".txt"), record)
}
