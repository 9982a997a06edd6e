package part

import "github.com/tidemarkdb/tidemark/persist/internal/wire"

// stored is the form of an [Update] in CBOR.
type stored struct {
	_    struct{} `cbor:",toarray"`
	Row  []byte
	Time uint64
	Diff int64
}

// EncodeInline returns the encoding of updates, which have to be consolidated.
func EncodeInline(updates []Update) ([]byte, error) {
	rows := make([]stored, len(updates))
	for i, update := range updates {
		rows[i] = stored{Row: update.Row, Time: update.Time, Diff: update.Diff}
	}
	return wire.Marshal(rows)
}

// DecodeInline returns the updates that [EncodeInline] encoded, or a
// [*wire.CorruptionError]. They share no memory with data.
func DecodeInline(data []byte) ([]Update, error) {
	const what = "inline part"
	var rows []stored
	if err := wire.Unmarshal(what, data, &rows); err != nil {
		return nil, err
	}
	updates := make([]Update, len(rows))
	for i, row := range rows {
		updates[i] = Update{Row: row.Row, Time: row.Time, Diff: row.Diff}
		if row.Diff == 0 || i > 0 && compare(updates[i-1], updates[i]) >= 0 {
			return nil, wire.Corrupt(what, "not consolidated at update %d", i)
		}
	}
	return updates, nil
}
