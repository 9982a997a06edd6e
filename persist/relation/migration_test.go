package relation_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// drawNewer draws a schema that rows of the given one can be read as.
func drawNewer(t *rapid.T, schema relation.Schema, prefix string) relation.Schema {
	var newer []relation.Column
	for i := range schema.Len() + 1 {
		if rapid.Bool().Draw(t, prefix+" add") {
			newer = append(newer, relation.Column{
				Name: fmt.Sprint(prefix, i), Type: relation.Type(rapid.IntRange(1, 6).Draw(t, prefix+" type")), IsNullable: true,
			})
		}
		if i < schema.Len() {
			column := schema.Column(i)
			column.IsNullable = column.IsNullable || rapid.Bool().Draw(t, prefix+" nullable")
			newer = append(newer, column)
		}
	}
	return mustNew(t, newer...)
}

func mustMigrate(t *rapid.T, from, to relation.Schema) relation.Migration {
	migration, err := relation.NewMigration(from, to)
	if err != nil {
		t.Fatalf("from %v to %v: %v", from, to, err)
	}
	return migration
}

func migrate(t *rapid.T, migration relation.Migration, row []byte) []byte {
	migrated, err := migration.Row([]byte("front"), row)
	if err != nil || !bytes.HasPrefix(migrated, []byte("front")) {
		t.Fatalf("migrated to %x: %v", migrated, err)
	}
	return migrated[len("front"):]
}

// Common columns keep their values, new ones are null, rows keep their order, and going
// through a schema in between makes no difference.
func TestMigration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		oldest := mustNew(t, columns(3).Draw(t, "columns")...)
		middle := drawNewer(t, oldest, "x")
		newest := drawNewer(t, middle, "y")
		direct := mustMigrate(t, oldest, newest)
		first, second := mustMigrate(t, oldest, middle), mustMigrate(t, middle, newest)

		a, b := drawRow(t, oldest, "a"), drawRow(t, oldest, "b")
		rowA, rowB := mustAppend(t, oldest, a), mustAppend(t, oldest, b)
		migratedA, migratedB := migrate(t, direct, rowA), migrate(t, direct, rowB)
		if got := migrate(t, second, migrate(t, first, rowA)); !bytes.Equal(got, migratedA) {
			t.Fatalf("via %v it is %x, not %x", middle, got, migratedA)
		}
		if bytes.Compare(rowA, rowB) != bytes.Compare(migratedA, migratedB) {
			t.Fatalf("%x and %x have become %x and %x", rowA, rowB, migratedA, migratedB)
		}
		values, err := newest.DecodeRow(migratedA, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, column := range newest.Columns() {
			want := relation.Null()
			if place := oldest.Index(column.Name); place >= 0 {
				want = a[place]
			}
			if relation.Compare(values[i], want) != 0 {
				t.Fatalf("column %q is different", column.Name)
			}
		}
	})
}

func TestMigrationToItselfIsTheIdentity(t *testing.T) {
	schema := mustNew(t, relation.Column{Name: "a", Type: relation.Int64})
	migration, err := relation.NewMigration(schema, schema)
	if err != nil {
		t.Fatal(err)
	}
	row := mustAppend(t, schema, []relation.Value{relation.Int64Value(5)})
	if got, err := migration.Row(nil, row); err != nil || !bytes.Equal(got, row) {
		t.Errorf("%x has become %x (error %v)", row, got, err)
	}
	var rowError *relation.RowError
	if dst, err := migration.Row([]byte("front"), row[1:]); !errors.As(err, &rowError) || string(dst) != "front" {
		t.Errorf("no row: %q, error %v, want a RowError", dst, err)
	}
}

// Each of these would lose data, or take it for something else.
func TestIncompatibleSchemas(t *testing.T) {
	from := []relation.Column{
		{Name: "a", Type: relation.Int64},
		{Name: "b", Type: relation.String, IsNullable: true},
		{Name: "c", Type: relation.Bytes},
	}
	for name, test := range map[string]struct {
		column string
		change func(columns []relation.Column) []relation.Column
	}{
		"dropped":      {"b", func(c []relation.Column) []relation.Column { return slices.Delete(c, 1, 2) }},
		"dropped last": {"c", func(c []relation.Column) []relation.Column { return c[:2] }},
		"retyped":      {"a", func(c []relation.Column) []relation.Column { c[0].Type = relation.Uint64; return c }},
		"reordered":    {"b", func(c []relation.Column) []relation.Column { c[1], c[2] = c[2], c[1]; return c }},
		"not null":     {"b", func(c []relation.Column) []relation.Column { c[1].IsNullable = false; return c }},
		"added not null": {"d", func(c []relation.Column) []relation.Column {
			return append(c, relation.Column{Name: "d", Type: relation.Bool})
		}},
	} {
		to := mustNew(t, test.change(slices.Clone(from))...)
		err := relation.Compatible(mustNew(t, from...), to)
		var incompatible *relation.IncompatibleError
		if !errors.As(err, &incompatible) || incompatible.Column != test.column {
			t.Errorf("%s: error is %v, want one about %q", name, err, test.column)
		}
	}
}

func ExampleNewMigration() {
	id := relation.Column{Name: "id", Type: relation.Uint64}
	older, err := relation.New(id)
	if err != nil {
		fmt.Println(err)
	}
	newer, err := relation.New(relation.Column{Name: "name", Type: relation.String, IsNullable: true}, id)
	if err != nil {
		fmt.Println(err)
	}
	migration, err := relation.NewMigration(older, newer)
	if err != nil {
		fmt.Println(err)
	}
	row, err := migration.Row(nil, []byte{0, 0, 0, 0, 0, 0, 0, 7})
	fmt.Printf("%x %v\n", row, err)
	fmt.Println(relation.Compatible(newer, older))
	// Output:
	// 000000000000000007 <nil>
	// relation: incompatible schema: column "name" was dropped
}
