package relation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

func TestNewRefusesWhatIsNoSchema(t *testing.T) {
	column := func(name string) relation.Column { return relation.Column{Name: name, Type: relation.Bool} }
	var many []relation.Column
	for i := range relation.ColumnsMax + 1 {
		many = append(many, column(fmt.Sprint(i)))
	}
	for name, test := range map[string]struct {
		at      int
		columns []relation.Column
	}{
		"no columns":       {-1, nil},
		"too many":         {-1, many},
		"no name":          {0, []relation.Column{column("")}},
		"long name":        {1, []relation.Column{column("a"), column(strings.Repeat("x", relation.NameSizeMax+1))}},
		"name is no UTF-8": {0, []relation.Column{column("\xff")}},
		"same name":        {2, []relation.Column{column("a"), column("b"), column("a")}},
		"no type":          {0, []relation.Column{{Name: "a"}}},
		"unknown type":     {0, []relation.Column{{Name: "a", Type: 7}}},
	} {
		_, err := relation.New(test.columns...)
		var schemaError *relation.SchemaError
		if !errors.As(err, &schemaError) || schemaError.Column != test.at {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := relation.New(many[1:]...); err != nil {
		t.Errorf("as many columns as possible: %v", err)
	}
}

// The schema-less case is a schema as any other, and costs nothing.
func TestZeroSchemaIsTheIdentity(t *testing.T) {
	var schema relation.Schema
	named := mustNew(t, relation.Column{Name: "row", Type: relation.Bytes})
	if !schema.Equal(named) || !schema.IsIdentity() || schema.String() != "(row bytes)" {
		t.Errorf("the zero schema is %v", schema)
	}
	for _, row := range []string{"", "\x00", "a\x00\xff"} {
		encoded := mustAppend(t, schema, []relation.Value{relation.BytesValue([]byte(row))})
		values, err := schema.DecodeRow(encoded, nil)
		if string(encoded) != row || err != nil || string(values[0].Bytes()) != row {
			t.Errorf("%q is encoded as %q (error %v)", row, encoded, err)
		}
	}
}

func TestSchemaIsImmutable(t *testing.T) {
	given := []relation.Column{{Name: "a", Type: relation.Bool}}
	schema := mustNew(t, given...)
	given[0].Name = "b"
	schema.Columns()[0].Name = "c"
	if schema.Column(0).Name != "a" || schema.Index("a") != 0 || schema.Index("b") != -1 {
		t.Errorf("the schema has become %v", schema)
	}
}

func TestSchemaEncodingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := mustNew(t, columns(6).Draw(t, "columns")...)
		data, err := want.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		got, err := relation.Decode(data)
		if err != nil || !got.Equal(want) {
			t.Fatalf("decoded %v, want %v (error %v)", got, want, err)
		}
	})
}

// A schema of a newer format is told from a damaged one: the first needs a newer
// program, the second a backup.
func TestDecodeTellsVersionsFromDamage(t *testing.T) {
	newer, err := wire.Marshal([]any{2, []byte("whatever there will be")})
	if err != nil {
		t.Fatal(err)
	}
	var version *wire.VersionError
	if _, err := relation.Decode(newer); !errors.As(err, &version) || version.Found != 2 {
		t.Errorf("error is %v, want one about version 2", err)
	}
	for name, columns := range map[string]any{
		"no columns":   []any{},
		"no type":      []any{[]any{"a", 0, false}},
		"unknown type": []any{[]any{"a", 7, false}},
		"same name":    []any{[]any{"secret", 1, false}, []any{"secret", 1, false}},
		"two fields":   []any{[]any{"a", 1}},
	} {
		body, err := wire.Marshal(columns)
		if err != nil {
			t.Fatal(err)
		}
		data, err := wire.Marshal([]any{1, body})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := relation.Decode(data); !errors.Is(err, wire.ErrCorruption) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := mustNew(f, relation.Column{Name: "a", Type: relation.String, IsNullable: true}).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		schema, err := relation.Decode(data)
		var version *wire.VersionError
		if err != nil {
			if !errors.Is(err, wire.ErrCorruption) && !errors.As(err, &version) {
				t.Fatalf("error is %v, want corruption or a version", err)
			}
			return
		}
		if again, err := schema.Encode(); err != nil || !slices.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x (error %v)", data, again, err)
		}
	})
}

func ExampleNew() {
	schema, err := relation.New(
		relation.Column{Name: "id", Type: relation.Uint64},
		relation.Column{Name: "note", Type: relation.String, IsNullable: true},
	)
	fmt.Println(schema, err)
	id := relation.Column{Name: "id", Type: relation.Uint64}
	_, err = relation.New(id, id)
	fmt.Println(err)
	// Output:
	// (id uint64, note string null) <nil>
	// relation: no schema: column 1: a second "id"
}
