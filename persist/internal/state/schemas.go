package state

// RegisterSchema makes a schema the first of a shard, or finds it among those that
// are registered. Others come to be by [EvolveSchema].
type RegisterSchema struct {
	Schema Schema
}

// SchemaAnswer is the answer of [RegisterSchema].
type SchemaAnswer struct {
	// IsRegistered says that the schema is one of the shard, and ID which.
	IsRegistered bool
	ID           SchemaID
}

// run commits only a first schema. That one is registered is final; that it is
// not is stale. A shard that has rows without one has given up having one: nobody
// could tell what they mean.
func (r RegisterSchema) run(c *Candidate) (SchemaAnswer, Standing, error) {
	for id, schema := range c.next.schemas.Shared() {
		if schema.Equal(r.Schema) {
			return SchemaAnswer{IsRegistered: true, ID: id}, Final, nil
		}
	}
	if c.next.IsTombstone() {
		return SchemaAnswer{}, Final, nil
	}
	if c.next.schemas.Len() > 0 || c.next.hasRuns() {
		return SchemaAnswer{}, Stale, nil
	}
	schemasField.put(c, 0, &r.Schema)
	c.propose()
	return SchemaAnswer{IsRegistered: true}, Proposed, nil
}

// EvolveSchema adds a schema that can read what was written under all others.
type EvolveSchema struct {
	// Expected is the latest schema as the caller knows it.
	Expected SchemaID
	Schema   Schema
	// IsCompatible decides whether rows of an old schema can be read as those of
	// a new one.
	IsCompatible func(old, new Schema) bool
}

// EvolveOutcome says what an evolution came to.
type EvolveOutcome uint8

const (
	// Evolved: the schema is registered, and the latest.
	Evolved EvolveOutcome = iota
	// SchemaDiffers: the latest schema is not the expected one.
	SchemaDiffers
	// SchemaIncompatible: it cannot read what was written under the latest one.
	SchemaIncompatible
	// NoSchemas: the shard has none to begin with, or has come to its end.
	NoSchemas
)

// EvolveAnswer is the answer of [EvolveSchema].
type EvolveAnswer struct {
	Outcome EvolveOutcome
	// ID and Latest are those of the latest schema after the command.
	ID     SchemaID
	Latest Schema
}

// run commits only if it adds a schema. Everything else is stale, since somebody
// may have added one meanwhile.
func (e EvolveSchema) run(c *Candidate) (EvolveAnswer, Standing, error) {
	latestID, latest := c.next.schemas.Last()
	switch {
	case c.next.IsTombstone():
		return EvolveAnswer{Outcome: NoSchemas}, Final, nil
	case latest == nil:
		return EvolveAnswer{Outcome: NoSchemas}, Stale, nil
	case latestID != e.Expected:
		return EvolveAnswer{Outcome: SchemaDiffers, ID: latestID, Latest: *latest}, Stale, nil
	case latest.Equal(e.Schema):
		return EvolveAnswer{Outcome: Evolved, ID: latestID, Latest: *latest}, Stale, nil
	case e.IsCompatible == nil || !e.IsCompatible(*latest, e.Schema):
		return EvolveAnswer{Outcome: SchemaIncompatible, ID: latestID, Latest: *latest}, Stale, nil
	}
	schemasField.put(c, latestID+1, &e.Schema)
	c.propose()
	return EvolveAnswer{Outcome: Evolved, ID: latestID + 1, Latest: e.Schema}, Proposed, nil
}

// hasRuns reports whether any batch has updates.
func (s *State) hasRuns() bool { return s.batches.totals != Totals{} }
