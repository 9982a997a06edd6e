package head_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

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
	path := filepath.Join("testdata", "golden", "v1", name+".txt")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, digits, _ := strings.Cut(string(data), "\n---\n")
	stored, err = hex.DecodeString(strings.ReplaceAll(digits, "\n", ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if text := golden(t, record); text != string(data) || !bytes.Equal(stored, record) {
		t.Errorf("%s is not what is stored now (-file +now):\n%s", path, cmp.Diff(string(data), text))
	}
	return stored
}

// golden returns the text of a golden file: the envelope and the body in diagnostic notation,
// then the bytes.
func golden(t *testing.T, record []byte) string {
	t.Helper()
	var envelope struct {
		_                  struct{} `cbor:",toarray"`
		Kind, Version, CRC uint64
		Body               []byte
	}
	if err := cbor.Unmarshal(record, &envelope); err != nil {
		t.Fatalf("the envelope is not readable: %v", err)
	}
	body, err := cbor.Diagnose(envelope.Body)
	if err != nil {
		t.Fatalf("the body is not readable: %v", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "kind %d, version %d, CRC32C %08x\n%s\n---\n", envelope.Kind, envelope.Version, envelope.CRC, body)
	for digits := hex.EncodeToString(record); digits != ""; {
		line := digits[:min(96, len(digits))]
		text.WriteString(line + "\n")
		digits = digits[len(line):]
	}
	return text.String()
}
