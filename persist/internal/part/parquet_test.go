package part_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Whatever the schema, the compression and where row groups end: what is read is what
// was written, and writing it once more gives the same bytes.
func TestEncodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := table().Draw(t, "table")
		options := part.Options{
			Compression:  rapid.SampledFrom([]part.Compression{part.Uncompressed, part.Zstd}).Draw(t, "compression"),
			RowGroupSize: rapid.SampledFrom([]int{0, 1, 20}).Draw(t, "row group size"),
		}
		data, err := part.Encode(given.schema, given.updates, options)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		decoded, err := decode(given.schema, data)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if diff := cmp.Diff(given.updates, decoded, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded differently (-want +got):\n%s", diff)
		}
		again, err := part.Encode(given.schema, decoded, options)
		if err != nil || !slices.Equal(again, data) {
			t.Fatalf("encoded differently when repeated (error %v)", err)
		}
	})
}

func encode(t testing.TB, given content, options part.Options) []byte {
	t.Helper()
	data, err := part.Encode(given.schema, given.updates, options)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var kinds = map[string]part.Options{
	"plain": {RowGroupSize: 60}, "zstd": {RowGroupSize: 60, Compression: part.Zstd},
}

// Files of the first version have to stay readable. The bytes of new ones may change
// with the library, which is why -rewrite is for new fixtures only.
func TestDecodeReadsStoredFiles(t *testing.T) {
	given := sample(t)
	for kind, options := range kinds {
		file := filepath.Join("testdata", "part_v1_"+kind+".parquet.hex")
		if flag.Lookup("rewrite").Value.String() == "true" {
			writeHex(t, file, encode(t, given, options))
		}
		decoded, err := decode(given.schema, readHex(t, file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(given.updates, decoded); diff != "" {
			t.Errorf("%s: decoded differently (-want +got):\n%s", file, diff)
		}
	}
}

func writeHex(t testing.TB, file string, data []byte) {
	t.Helper()
	var lines strings.Builder
	for line := range slices.Chunk(data, 40) {
		fmt.Fprintf(&lines, "%x\n", line)
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readHex(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The columns as other tools see them: their order and types are the format, and times
// and diffs step aside for columns of the same name.
func TestEncodeLaysOutColumns(t *testing.T) {
	data := encode(t, sample(t), part.Options{RowGroupSize: 60})
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(`
message updates {
	required int64 ts (INT(64,true));
	optional boolean _ts;
	optional int64 diff (INT(64,false));
	optional double ratio;
	required binary name (STRING);
	optional binary blob;
	required int64 __ts (INT(64,false));
	required int64 _diff (INT(64,true));
}`)
	if diff := cmp.Diff(want, file.Schema().String()); diff != "" {
		t.Errorf("other columns (-want +got):\n%s", diff)
	}
	if got := len(file.RowGroups()); got != 3 {
		t.Errorf("%d row groups, want 3", got)
	}
	if got := file.Metadata().CreatedBy; got != "tidemark version 1(build part)" {
		t.Errorf("created by %q", got)
	}
}

func TestEncodeRefusesWhatIsNotConsolidated(t *testing.T) {
	row := func(row string, diff int64) part.Update { return part.Update{Row: []byte(row), Diff: diff} }
	for name, updates := range map[string][]part.Update{
		"zero diff":  {row("a", 0)},
		"order":      {row("b", 1), row("a", 1)},
		"repetition": {row("a", 1), row("a", 1)},
	} {
		if _, err := part.Encode(relation.Schema{}, updates, part.Options{}); !errors.Is(err, part.ErrNotConsolidated) {
			t.Errorf("%s: error is %v, want ErrNotConsolidated", name, err)
		}
	}
	given := sample(t)
	given.updates[0].Row = given.updates[0].Row[1:]
	var rowError *relation.RowError
	if _, err := part.Encode(given.schema, given.updates[:1], part.Options{}); !errors.As(err, &rowError) {
		t.Errorf("error is %v, want that of the row", err)
	}
}

// Rows under another schema would be taken for something that they are not.
func TestDecodeRefusesAnotherSchema(t *testing.T) {
	given := sample(t)
	data := encode(t, given, part.Options{})
	columns := given.schema.Columns()
	changes := map[string]func(){
		"name":     func() { columns[0].Name = "tS" },
		"type":     func() { columns[0].Type = relation.Uint64 },
		"text":     func() { columns[4].Type = relation.Bytes },
		"nullable": func() { columns[0].IsNullable = true },
		"not null": func() { columns[1].IsNullable = false },
		"order":    func() { columns[0], columns[4] = columns[4], columns[0] },
		"fewer":    func() { columns = columns[:5] },
		"more":     func() { columns = append(columns, relation.Column{Name: "x", Type: relation.Bool}) },
	}
	for name, change := range changes {
		columns = given.schema.Columns()
		change()
		other, err := relation.New(columns...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(other, data); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
	if _, err := decode(relation.Schema{}, data); !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("schema-less: error is %v, want corruption", err)
	}
}

// Files with the right columns that Encode did not write, as another program of the
// same library would write them.
func TestDecodeRefusesOtherFiles(t *testing.T) {
	type update struct {
		Row  []byte `parquet:"row"`
		TS   uint64 `parquet:"ts"`
		Diff int64  `parquet:"diff"`
	}
	version := parquet.KeyValueMetadata("tidemark.part", "1")
	a, b := update{Row: []byte("a"), Diff: 1}, update{Row: []byte("b"), Diff: 1}
	write := func(rows []update, options ...parquet.WriterOption) []byte {
		buffer := new(bytes.Buffer)
		writer := parquet.NewGenericWriter[update](buffer, append(options, parquet.DefaultEncoding(&parquet.Plain))...)
		if _, err := writer.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return buffer.Bytes()
	}
	if _, err := decode(relation.Schema{}, write([]update{a, b}, version)); err != nil {
		t.Fatalf("a file that is as it must be: %v", err)
	}
	for name, data := range map[string][]byte{
		"no version":  write([]update{a, b}),
		"zero diff":   write([]update{{Row: []byte("a")}}, version),
		"order":       write([]update{b, a}, version),
		"repetition":  write([]update{a, a}, version),
		"row groups":  write([]update{b, a}, version, parquet.MaxRowsPerRowGroup(1)),
		"old pages":   write([]update{a, b}, version, parquet.DataPageVersion(1)),
		"other codec": write([]update{a, b}, version, parquet.Compression(&parquet.Snappy)),
	} {
		if _, err := decode(relation.Schema{}, data); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
	var newer *wire.VersionError
	data := write([]update{a, b}, parquet.KeyValueMetadata("tidemark.part", "2"))
	if _, err := decode(relation.Schema{}, data); !errors.As(err, &newer) || newer.Found != 2 {
		t.Errorf("error is %v, want one about version 2", err)
	}
}

// Every file that is cut short, and every one in which a byte is wrong, is refused or
// reads as updates that are consolidated: there is no panic, whatever the library
// makes of it. (That damage is found is the business of the checksum of the part.)
func TestDecodeSurvivesDamage(t *testing.T) {
	given := sample(t)
	for kind, options := range kinds {
		data := encode(t, given, part.Options{Compression: options.Compression})
		data = rewrite(t, data, func(*format.FileMetaData, []page) {}) // without the checksums of pages
		for i := range data {
			if _, err := decode(given.schema, data[:i]); !errors.Is(err, wire.ErrCorruption) {
				t.Fatalf("%s: cut after %d bytes: error is %v, want corruption", kind, i, err)
			}
		}
		stride := 1
		if testing.Short() {
			stride = 7
		}
		for i := 0; i < len(data); i += stride {
			for _, flip := range []byte{1, 0x80} {
				data[i] ^= flip
				checkDecoded(t, given.schema, data)
				data[i] ^= flip
			}
		}
	}
}

// checkDecoded checks what Decode promises whatever data is.
func checkDecoded(t *testing.T, schema relation.Schema, data []byte) {
	t.Helper()
	// Damage that no checksum finds may leave bytes to chance, so both readers are asked.
	if _, err := readAll(schema, data); err != nil && !errors.Is(err, wire.ErrCorruption) {
		var newer *wire.VersionError
		if !errors.As(err, &newer) {
			t.Fatalf("in pieces the error is %v, want corruption or a version", err)
		}
	}
	updates, err := part.Decode(schema, data)
	var newer *wire.VersionError
	if err != nil {
		if !errors.Is(err, wire.ErrCorruption) && !errors.As(err, &newer) {
			t.Fatalf("error is %v, want corruption or a version", err)
		}
		return
	}
	encoded, err := part.Encode(schema, updates, part.Options{})
	if err != nil {
		t.Fatalf("what was decoded is not consolidated rows: %v", err)
	}
	if again, err := decode(schema, encoded); err != nil || !slices.EqualFunc(updates, again, equal) {
		t.Fatalf("what was decoded reads differently when written once more (error %v)", err)
	}
}

func equal(a, b part.Update) bool {
	return bytes.Equal(a.Row, b.Row) && a.Time == b.Time && a.Diff == b.Diff
}

func FuzzDecode(f *testing.F) {
	given := sample(f)
	for _, options := range kinds {
		f.Add(encode(f, given, options))
		data := encode(f, given, part.Options{Compression: options.Compression})
		f.Add(rewrite(f, data, func(*format.FileMetaData, []page) {})) // its damage is not found by checksums
	}
	one := content{updates: []part.Update{{Row: []byte("row"), Time: 7, Diff: -1}}}
	f.Add(encode(f, one, part.Options{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoded(t, given.schema, data)
		checkDecoded(t, relation.Schema{}, data)
	})
}

func ExampleEncode() {
	schema, err := relation.New(
		relation.Column{Name: "id", Type: relation.Uint64},
		relation.Column{Name: "name", Type: relation.String, IsNullable: true},
	)
	if err != nil {
		fmt.Println(err)
	}
	row, err := schema.AppendRow(nil, []relation.Value{relation.Uint64Value(1), relation.StringValue("pear")})
	if err != nil {
		fmt.Println(err)
	}
	data, err := part.Encode(schema, []part.Update{{Row: row, Time: 5, Diff: 2}}, part.Options{Compression: part.Zstd})
	if err != nil {
		fmt.Println(err)
	}
	updates, err := part.Decode(schema, data)
	for _, update := range updates {
		values, _ := schema.DecodeRow(update.Row, nil)
		fmt.Println(values[0].Uint64(), values[1].Text(), update.Time, update.Diff, err)
	}
	// Output:
	// 1 pear 5 2 <nil>
}
