package relation_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// TestProjectionUndoesMigration protects readers of older schemas: what was written under
// theirs they read as it was, whichever columns have come since (P-36).
func TestProjectionUndoesMigration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		older := mustNew(t, columns(4).Draw(t, "older")...)
		var extended []relation.Column
		for i, column := range older.Columns() {
			if rapid.Bool().Draw(t, "added") {
				extended = append(extended, relation.Column{Name: fmt.Sprint("new ", i), Type: relation.Bool, IsNullable: true})
			}
			column.IsNullable = column.IsNullable || rapid.Bool().Draw(t, "relaxed")
			extended = append(extended, column)
		}
		newer := mustNew(t, extended...)
		migration, err := relation.NewMigration(older, newer)
		if err != nil {
			t.Fatal(err)
		}
		projection, err := relation.NewProjection(newer, older)
		if err != nil {
			t.Fatal(err)
		}
		row := mustAppend(t, older, drawRow(t, older, "row"))
		got, err := projection.Row(nil, migrate(t, migration, row))
		if err != nil || !bytes.Equal(got, row) {
			t.Fatalf("%x has become %x (error %v)", row, got, err)
		}
	})
}

// TestProjectionRefusesNulls protects readers of an older schema from nulls that it does
// not know, and from schemas that have nothing to do with theirs.
func TestProjectionRefusesNulls(t *testing.T) {
	a := relation.Column{Name: "a", Type: relation.Int64}
	older := mustNew(t, a)
	a.IsNullable = true
	newer := mustNew(t, a)
	projection, err := relation.NewProjection(newer, older)
	if err != nil {
		t.Fatal(err)
	}
	row := mustAppend(t, newer, []relation.Value{relation.Null()})
	var rowError *relation.RowError
	if dst, err := projection.Row([]byte("front"), row); !errors.As(err, &rowError) || string(dst) != "front" {
		t.Errorf("%q, %v, want a RowError", dst, err)
	}
	var incompatible *relation.IncompatibleError
	if _, err := relation.NewProjection(older, newer); !errors.As(err, &incompatible) {
		t.Errorf("from the older to the newer: %v", err)
	}
}

func ExampleNewProjection() {
	id := relation.Column{Name: "id", Type: relation.Bool}
	older, err := relation.New(id)
	if err != nil {
		fmt.Println(err)
	}
	newer, err := relation.New(relation.Column{Name: "name", Type: relation.String, IsNullable: true}, id)
	if err != nil {
		fmt.Println(err)
	}
	projection, err := relation.NewProjection(newer, older)
	if err != nil {
		fmt.Println(err)
	}
	row, err := newer.AppendRow(nil, []relation.Value{relation.StringValue("x"), relation.BoolValue(true)})
	if err != nil {
		fmt.Println(err)
	}
	row, err = projection.Row(nil, row)
	fmt.Printf("%x %v\n", row, err)
	// Output:
	// 01 <nil>
}
