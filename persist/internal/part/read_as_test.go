package part_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// extend draws a schema that rows of another one can be read under.
func extend(t *rapid.T, schema relation.Schema) relation.Schema {
	var columns []relation.Column
	for i, column := range schema.Columns() {
		if rapid.Bool().Draw(t, "added") {
			columns = append(columns, relation.Column{Name: fmt.Sprint("new", i), Type: relation.Bool, IsNullable: true})
		}
		column.IsNullable = column.IsNullable || rapid.Bool().Draw(t, "relaxed")
		columns = append(columns, column)
	}
	newer, err := relation.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return newer
}

// P-24, over changes of the schema: whether rows are read under a newer schema than their
// stats are of, or under an older one, a filter that says of the stats that nothing matches
// matches no row as it is read.
func TestStatsReadUnderAnotherSchemaSkipNothingThatMatches(t *testing.T) {
	skipped := 0
	rapid.Check(t, func(t *rapid.T) {
		given := table().Draw(t, "table")
		if len(given.updates) == 0 {
			return
		}
		newer := extend(t, given.schema)
		migration, err := relation.NewMigration(given.schema, newer)
		if err != nil {
			t.Fatal(err)
		}
		projection, err := relation.NewProjection(newer, given.schema)
		if err != nil {
			t.Fatal(err)
		}
		migrated := content{schema: newer}
		for _, update := range given.updates {
			if update.Row, err = migration.Row(nil, update.Row); err != nil {
				t.Fatal(err)
			}
			migrated.updates = append(migrated.updates, update)
		}
		isBack := rapid.Bool().Draw(t, "to the older one")
		from, to, convert := given, newer, migration.Row
		if isBack {
			from, to, convert = migrated, given.schema, projection.Row
		}
		stats, err := part.Collect(from.schema, from.updates)
		if err != nil {
			t.Fatal(err)
		}
		filter := filters(newer, 2).Draw(t, "filter")
		if filter.MayMatch(to, stats.ReadAs(from.schema, to)) {
			return
		}
		skipped++
		for i, update := range from.updates {
			row, err := convert(nil, update.Row)
			if err != nil {
				t.Fatal(err)
			}
			values, err := to.DecodeRow(row, nil)
			if err != nil {
				t.Fatal(err)
			}
			if filter.Matches(to, values, update.Time) {
				t.Fatalf("update %d matches, and would have been skipped", i)
			}
		}
	})
	if skipped == 0 {
		t.Error("no part was ever skipped")
	}
}
