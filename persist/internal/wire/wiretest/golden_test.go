package wiretest_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/internal/wire/wiretest"
)

// silent is a test that only notes whether it fails.
type silent struct {
	testing.TB
	hasFailed bool
}

func (s *silent) Helper()                           {}
func (s *silent) Errorf(format string, args ...any) { s.hasFailed = true }

// TestGoldenSeesEveryChange protects stored records from a comparison that lets one pass: of
// the bytes, or of what people read.
func TestGoldenSeesEveryChange(t *testing.T) {
	record := func(version uint64) []byte {
		body, err := wire.Marshal(map[int]string{1: "one", 2: "two"})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := wire.Seal(wire.KindDiff, version, body)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	const text = "kind 2, version 3, CRC32C 1ca19795\n{1: \"one\",\n  2: \"two\"}\n---\n"
	path := filepath.Join(t.TempDir(), "golden.txt")
	for name, c := range map[string]struct {
		text    string
		version uint64
		isSame  bool
	}{
		"the same":        {text, 3, true},
		"another version": {text, 2, false},
		"another text":    {"kind 1\n---\n", 3, false},
	} {
		if err := os.WriteFile(path, []byte(c.text+hex.EncodeToString(record(3))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &silent{TB: t}
		wiretest.Golden(s, path, record(c.version))
		if s.hasFailed == c.isSame {
			t.Errorf("%s: failed is %v", name, s.hasFailed)
		}
	}
}
