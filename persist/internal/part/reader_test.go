package part_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// errReadersDiffer says that a part is read differently piece by piece.
var errReadersDiffer = errors.New("whole and in pieces are two things")

// decode is part.Decode, and demands that part.Reader finds the same.
func decode(schema relation.Schema, data []byte) ([]part.Update, error) {
	whole, err := part.Decode(schema, data)
	inPieces, piecesErr := readAll(schema, data)
	isSameClass := errors.Is(err, wire.ErrCorruption) == errors.Is(piecesErr, wire.ErrCorruption)
	if (err == nil) != (piecesErr == nil) || !isSameClass || err == nil && !slices.EqualFunc(whole, inPieces, equal) {
		return nil, fmt.Errorf("%w: %v and %v", errReadersDiffer, err, piecesErr)
	}
	return whole, err
}

func readAll(schema relation.Schema, data []byte) (all []part.Update, err error) {
	r, err := part.NewReader(schema, data)
	if err != nil {
		return nil, err
	}
	for {
		updates, err := r.Next()
		if err != nil || len(updates) == 0 {
			return all, err
		}
		all = append(all, updates...)
	}
}
