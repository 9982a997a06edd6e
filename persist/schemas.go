package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// SchemaID numbers the schemas of a shard in the order in which they were registered,
// from 0 on.
type SchemaID = state.SchemaID

// SchemaMismatchError says that the schemas of a shard are others than the caller
// thought. Nothing was changed.
type SchemaMismatchError struct {
	// Latest is the newest schema that is registered, and Schema what it is.
	Latest SchemaID
	Schema relation.Schema
}

// Error implements error.
func (e *SchemaMismatchError) Error() string {
	return fmt.Sprintf("persist: the latest schema is %d, %v", e.Latest, e.Schema)
}

// SchemalessError says that a shard has no schema, or that nothing can be done about the
// one it has any more. Nothing was changed.
type SchemalessError struct {
	// HasRows says that there are rows without a schema, so that none can be registered:
	// nobody could tell what they mean under it.
	HasRows bool
	// IsTombstone says that the shard has come to its end, so that none can be registered.
	IsTombstone bool
}

// Error implements error.
func (e *SchemalessError) Error() string {
	switch {
	case e.IsTombstone:
		return "persist: the shard has come to its end, and gets no schema any more"
	case e.HasRows:
		return "persist: the shard has no schema, but rows"
	default:
		return "persist: the shard has no schema"
	}
}

// IncompatibleSchemaError says that a schema cannot be the next one of a shard, because
// what was written before could not be read under it. It wraps [ErrUsage] and an
// [*relation.IncompatibleError]. Nothing was changed.
type IncompatibleSchemaError struct {
	// Latest is the newest schema that is registered, and Schema what it is.
	Latest SchemaID
	Schema relation.Schema
	// Reason says what stands in the way.
	Reason error
}

// Error implements error.
func (e *IncompatibleSchemaError) Error() string {
	return fmt.Sprintf("persist: not a successor of schema %d: %v", e.Latest, e.Reason)
}

// Unwrap returns the reason.
func (e *IncompatibleSchemaError) Unwrap() error { return e.Reason }

// Is reports that the error is one of usage.
func (e *IncompatibleSchemaError) Is(target error) bool { return target == ErrUsage }

// RegisterSchema makes a schema the first one of the shard, if it has none and no rows
// either, and returns its id. If the schema is registered already, be it the latest one
// or not, it returns the id and writes nothing. A schema never changes, and is never
// removed.
//
// The error is a [*SchemaMismatchError] if there are other schemas: then
// CompareAndEvolveSchema may add it. It is a [*SchemalessError] if there cannot be one
// any more, and wraps [ErrUsage] if schema is the zero one, which is that of shards
// without any. Both answers about the shard hold as of some moment of the call. Errors that
// are none of these leave open what has happened, unless they wrap [ErrUsage].
func (s *Shard) RegisterSchema(ctx context.Context, schema relation.Schema) (SchemaID, error) {
	id, err := s.machine.registerSchema(ctx, schema)
	if err != nil {
		return 0, fmt.Errorf("persist: register a schema of %v: %w", s.ID(), err)
	}
	return id, nil
}

func (m *machine) registerSchema(ctx context.Context, schema relation.Schema) (SchemaID, error) {
	stored, err := storedSchema(schema)
	if err != nil {
		return 0, err
	}
	answer, s, err := applyCall(ctx, m, state.RegisterSchema{Schema: stored}, nil)
	if err != nil {
		return 0, err
	}
	if !answer.IsRegistered {
		return 0, m.schemaMismatch(s)
	}
	return answer.ID, nil
}

// CompareAndEvolveSchema adds a schema behind the one with the expected id, if that is
// the latest, and returns its id. If the schemas are equal it returns the expected id and
// writes nothing. All that was written under older schemas can be read under the new one,
// and writers of older schemas may go on: what they write is read under the new one, too.
// [relation.NewMigration] says what may be different.
//
// The error is a [*SchemaMismatchError] if another schema is the latest, a
// [*SchemalessError] if there is none, an [*IncompatibleSchemaError] if the new one cannot
// come after it. The answer holds as of some moment of the call; an attempt whose answer was
// lost is not taken for somebody else's. Errors that are none of these, as that of a context
// which ends in the middle, leave open what has happened, unless they wrap [ErrUsage].
func (s *Shard) CompareAndEvolveSchema(
	ctx context.Context, expected SchemaID, schema relation.Schema,
) (SchemaID, error) {
	id, err := s.machine.evolveSchema(ctx, expected, schema)
	if err != nil {
		return 0, fmt.Errorf("persist: evolve the schema of %v: %w", s.ID(), err)
	}
	return id, nil
}

func (m *machine) evolveSchema(ctx context.Context, expected SchemaID, schema relation.Schema) (SchemaID, error) {
	stored, err := storedSchema(schema)
	if err != nil {
		return 0, err
	}
	isUnclear := false
	answer, s, err := applyCall(ctx, m, state.EvolveSchema{
		Expected: expected, Schema: stored, IsCompatible: isCompatible,
	}, func(state.EvolveAnswer) { isUnclear = true })
	if err != nil {
		return 0, err
	}
	// An attempt before may have been committed, whatever has come after it.
	if next := s.Schemas().Lookup(expected + 1); isUnclear && next != nil && next.Equal(stored) {
		return expected + 1, nil
	}
	switch answer.Outcome {
	case state.Evolved:
		return answer.ID, nil
	case state.NoSchemas:
		return 0, schemaless(s)
	case state.SchemaIncompatible:
		return 0, incompatible(answer, schema)
	default:
		return 0, m.schemaMismatch(s)
	}
}

// Schema returns a schema by its id. It reads the log if this process does not know the
// schema yet. The error wraps [ErrNotFound] if there is none with that id, as of some
// moment of the call.
func (s *Shard) Schema(ctx context.Context, id SchemaID) (relation.Schema, error) {
	schema, err := s.machine.findSchema(ctx, id)
	if err != nil {
		return relation.Schema{}, fmt.Errorf("persist: schema %d of %v: %w", id, s.ID(), err)
	}
	return schema, nil
}

func (m *machine) findSchema(ctx context.Context, id SchemaID) (relation.Schema, error) {
	known, err := m.intact()
	if err != nil {
		return relation.Schema{}, err
	}
	if known.Schemas().Lookup(id) == nil {
		if known, err = m.latest(ctx); err != nil {
			return relation.Schema{}, err
		}
	}
	stored := known.Schemas().Lookup(id)
	if stored == nil {
		return relation.Schema{}, ErrNotFound
	}
	schema, err := relation.Decode(stored.Relation)
	return schema, m.poison(err)
}

// LatestSchema returns the newest schema that the shard had at some moment of the call,
// or a [*SchemalessError].
func (s *Shard) LatestSchema(ctx context.Context) (SchemaID, relation.Schema, error) {
	id, schema, err := s.machine.latestSchema(ctx)
	if err != nil {
		return 0, relation.Schema{}, fmt.Errorf("persist: latest schema of %v: %w", s.ID(), err)
	}
	return id, schema, nil
}

func (m *machine) latestSchema(ctx context.Context) (SchemaID, relation.Schema, error) {
	s, err := m.latest(ctx)
	if err != nil {
		return 0, relation.Schema{}, err
	}
	id, stored := s.Schemas().Last()
	if stored == nil {
		return 0, relation.Schema{}, schemaless(s)
	}
	schema, err := relation.Decode(stored.Relation)
	return id, schema, m.poison(err)
}

// storedSchema returns the form in which a schema is stored. The layout in parts follows
// from the relation, so there is nothing to be said of it.
func storedSchema(schema relation.Schema) (state.Schema, error) {
	if schema.Equal(relation.Schema{}) {
		return state.Schema{}, fmt.Errorf("the zero schema is that of shards without any: %w", ErrUsage)
	}
	encoded, err := schema.Encode()
	return state.Schema{Relation: encoded, Physical: []byte{}}, err
}

func isCompatible(old, next state.Schema) bool {
	from, fromErr := relation.Decode(old.Relation)
	to, toErr := relation.Decode(next.Relation)
	return fromErr == nil && toErr == nil && relation.Compatible(from, to) == nil
}

// schemaMismatch says which schema is the latest.
func (m *machine) schemaMismatch(s *state.State) error {
	id, stored := s.Schemas().Last()
	if stored == nil {
		return schemaless(s)
	}
	schema, err := relation.Decode(stored.Relation)
	if err != nil {
		return m.poison(err)
	}
	return &SchemaMismatchError{Latest: id, Schema: schema}
}

func schemaless(s *state.State) error {
	return &SchemalessError{HasRows: s.Batches().Totals() != state.Totals{}, IsTombstone: s.IsTombstone()}
}

func incompatible(answer state.EvolveAnswer, schema relation.Schema) error {
	latest, err := relation.Decode(answer.Latest.Relation)
	if err != nil {
		return err
	}
	reason := relation.Compatible(latest, schema)
	if reason == nil {
		return errors.New("a schema is refused that is compatible")
	}
	return &IncompatibleSchemaError{Latest: answer.ID, Schema: latest, Reason: reason}
}
