package wiretest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

// Golden fails the test if the file at path is not that of the record, and returns the bytes
// that are stored in the file.
func Golden(t testing.TB, path string, record []byte) (stored []byte) {
	t.Helper()
	text, stored := read(t, path)
	if want := textOf(t, record); !bytes.Equal(stored, record) || text != want {
		t.Errorf("%s is not what is stored now (-file +now):\n%s", path, cmp.Diff(text, want))
	}
	return stored
}

// ReadGolden returns the bytes that are stored in the file at path.
func ReadGolden(t testing.TB, path string) (stored []byte) {
	t.Helper()
	_, stored = read(t, path)
	return stored
}

func read(t testing.TB, path string) (text string, stored []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, digits, _ := strings.Cut(string(data), "\n---\n")
	stored, err = hex.DecodeString(strings.ReplaceAll(digits, "\n", ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(data), stored
}

// textOf returns the text of a golden file: the envelope and the body in diagnostic
// notation, then the bytes.
func textOf(t testing.TB, record []byte) string {
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
	fmt.Fprintf(&text, "kind %d, version %d, CRC32C %08x\n", envelope.Kind, envelope.Version, envelope.CRC)
	text.WriteString(indented(body))
	text.WriteString("\n---\n")
	for digits := hex.EncodeToString(record); digits != ""; {
		line := digits[:min(96, len(digits))]
		text.WriteString(line + "\n")
		digits = digits[len(line):]
	}
	return text.String()
}

// indented breaks the lines of diagnostic notation at the outer fields.
func indented(diagnostic string) string {
	var text strings.Builder
	depth := 0
	for _, r := range diagnostic {
		switch r {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if text.WriteRune(r); r == ',' && depth <= 3 {
			text.WriteString("\n" + strings.Repeat(" ", depth))
		}
	}
	return strings.ReplaceAll(text.String(), " \n", "\n")
}
