package persist

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// rowFormat says what rows are: of which schema. The zero value is that of rows without
// one.
type rowFormat struct {
	id     SchemaID
	schema relation.Schema
}

// formatOf returns the schema with an id. Until a shard has one, its rows are under the
// first.
func formatOf(s *state.State, id SchemaID) (rowFormat, error) {
	stored := s.Schemas().Lookup(id)
	switch {
	case stored == nil && id == 0:
		return rowFormat{}, nil
	case stored == nil:
		return rowFormat{}, fmt.Errorf("%w: schema %d is none of the %d", ErrCorruption, id, s.Schemas().Len())
	}
	schema, err := relation.Decode(stored.Relation)
	return rowFormat{id, schema}, err
}

func (f rowFormat) isSchemaless() bool { return f.schema.Equal(relation.Schema{}) }

// check returns a [*UsageError] if an update has a row of another form.
func (f rowFormat) check(updates []Update) error {
	if f.schema.IsIdentity() {
		return nil
	}
	var few [16]relation.Value
	for i := range updates {
		if _, err := f.schema.DecodeRow(updates[i].Row, few[:0]); err != nil {
			return &UsageError{Kind: state.InvalidRow, Details: fmt.Sprintf("update %d of schema %d: %v", i, f.id, err)}
		}
	}
	return nil
}

// conversions remembers how rows under one schema of a shard are read as those of
// another. Schemas never change, so what is remembered stays true.
type conversions struct {
	mu    *runtime.Mutex // guards what follows
	known map[conversionKey]conversion
}

type conversionKey struct{ from, to SchemaID }

func newConversions(rt *runtime.Runtime) *conversions {
	return &conversions{mu: rt.NewMutex(), known: make(map[conversionKey]conversion)}
}

// conversion turns rows that were written under one schema into rows of another.
type conversion struct {
	from, to relation.Schema
	// convert appends to dst what a row becomes; nil means that rows stay as they are.
	convert func(dst, row []byte) ([]byte, error)
	// isProjection says that columns are left out. What was sorted and consolidated need
	// not be so afterwards.
	isProjection bool
	// keepsOrder says that rows are still in order, though different ones may be equal now.
	keepsOrder bool
}

// between returns the conversion from the rows of one schema to those of another, whichever
// is newer.
func (c *conversions) between(s *state.State, from, to SchemaID) (conversion, error) {
	if s.Schemas().Len() == 0 {
		return conversion{}, nil // one may be registered later
	}
	key := conversionKey{from, to}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.known[key]; ok {
		return known, nil
	}
	made, err := newConversion(s, key)
	if err == nil {
		c.known[key] = made
	}
	return made, err
}

func newConversion(s *state.State, key conversionKey) (conversion, error) {
	from, err := formatOf(s, key.from)
	if err != nil {
		return conversion{}, err
	}
	to, err := formatOf(s, key.to)
	if err != nil {
		return conversion{}, err
	}
	c := conversion{from: from.schema, to: to.schema}
	switch {
	case key.from < key.to:
		migration, err := relation.NewMigration(c.from, c.to)
		c.convert = migration.Row
		return c, corrupt(err)
	case key.from > key.to:
		projection, err := relation.NewProjection(c.from, c.to)
		c.convert, c.isProjection, c.keepsOrder = projection.Row, true, projection.KeepsOrder()
		return c, corrupt(err)
	}
	return c, nil
}

// corrupt says what an error about schemas or rows means that were checked when they were
// stored.
func corrupt(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCorruption, err)
}

// apply converts the rows of updates, in place. They are consolidated afterwards if they
// were before. The new rows share one piece of memory.
func (c conversion) apply(updates []Update) ([]Update, error) {
	if c.convert == nil {
		return updates, nil
	}
	var rows []byte
	for i := range updates {
		start := len(rows)
		var err error
		if rows, err = c.convert(rows, updates[i].Row); err != nil {
			return nil, c.explain(err)
		}
		updates[i].Row = rows[start:len(rows):len(rows)]
	}
	if c.isProjection {
		return part.Consolidate(updates)
	}
	return updates, nil
}

// explain says what it means that a row cannot be converted. Nothing can stand in the way
// but a null that the older schema forbids.
func (c conversion) explain(err error) error {
	var row *relation.RowError
	if c.isProjection && errors.As(err, &row) {
		return fmt.Errorf("a row of a newer schema is none of an older one: %w: %w", ErrUsage, err)
	}
	return corrupt(err)
}

// readSchema returns as which schema a reader reads that asks for one.
func (m *machine) readSchema(s *state.State, wanted relation.Schema) (SchemaID, error) {
	newest, _ := s.Schemas().Last()
	if wanted.Equal(relation.Schema{}) {
		return newest, nil
	}
	stored, err := storedSchema(wanted)
	if err != nil {
		return 0, err
	}
	for id, registered := range s.Schemas().Shared() {
		if registered.Equal(stored) {
			return id, nil
		}
	}
	return 0, m.schemaMismatch(s)
}
