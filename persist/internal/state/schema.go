package state

import (
	"bytes"
	"cmp"
	"fmt"
)

// SchemaID numbers the schemas of a shard in the order in which they were
// registered, from 0 on. Until one is registered all data is under schema 0.
type SchemaID uint64

// Compare orders schemas by age.
func (id SchemaID) Compare(other SchemaID) int { return cmp.Compare(id, other) }

// Schema is how rows were encoded by those who wrote under its id. A registered
// schema never changes.
type Schema struct {
	// Relation is the encoded description of the columns.
	Relation []byte `cbor:"1,keyasint"`
	// Physical is the encoded description of their layout in parts.
	Physical []byte `cbor:"2,keyasint"`
}

// Equal reports whether both are the same.
func (s Schema) Equal(other Schema) bool {
	return bytes.Equal(s.Relation, other.Relation) && bytes.Equal(s.Physical, other.Physical)
}

// String returns the sizes of the two descriptions.
func (s Schema) String() string {
	return fmt.Sprintf("relation %d B, physical %d B", len(s.Relation), len(s.Physical))
}
