package relation

import "github.com/tidemarkdb/tidemark/persist/internal/wire"

// schemaVersion is the version of the format of encoded schemas.
const schemaVersion = 1

// storedSchema is what is stored: the version can be told whatever the body is.
type storedSchema struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Body    []byte
}

type storedColumn struct {
	_          struct{} `cbor:",toarray"`
	Name       string
	Type       Type
	IsNullable bool
}

// Encode returns the encoding of the schema. Equal schemas have equal encodings.
func (s Schema) Encode() ([]byte, error) {
	columns := make([]storedColumn, s.Len())
	for i, column := range s.list() {
		columns[i] = storedColumn{Name: column.Name, Type: column.Type, IsNullable: column.IsNullable}
	}
	body, err := wire.Marshal(columns)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(&storedSchema{Version: schemaVersion, Body: body})
}

// Decode returns the schema that [Schema.Encode] encoded as data. Its error is the
// persist.CorruptionError, or the persist.VersionError if a newer program wrote it.
func Decode(data []byte) (Schema, error) {
	const what = "schema"
	var stored storedSchema
	if err := wire.Unmarshal(what, data, &stored); err != nil {
		return Schema{}, err
	}
	if stored.Version != schemaVersion {
		return Schema{}, &wire.VersionError{Found: stored.Version, Oldest: schemaVersion, Newest: schemaVersion}
	}
	var columns []storedColumn
	if err := wire.Unmarshal(what, stored.Body, &columns); err != nil {
		return Schema{}, err
	}
	described := make([]Column, len(columns))
	for i, column := range columns {
		described[i] = Column{Name: column.Name, Type: column.Type, IsNullable: column.IsNullable}
	}
	schema, err := New(described...)
	if err != nil {
		// The error may quote the name of a column, of which damage can make anything.
		return Schema{}, wire.Corrupt(what, "its columns contradict the rules")
	}
	return schema, nil
}
