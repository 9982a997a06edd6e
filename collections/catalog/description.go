package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Description says what a collection is, as its creator wants it. It is a value;
// nobody changes one that was handed over.
type Description struct {
	ID GlobalID
	// DependsOn are the collections that this one holds back: as long as it is
	// readable from some time on, so are they. Their order does not matter, and
	// repeated ones count once.
	DependsOn []GlobalID
	// Since is where the history of the collection begins at the latest; {0}, the
	// zero value, leaves it as it is. It is moved durably whenever the collection
	// is opened.
	Since frontier.Antichain
}

// ErrInvalidDescription is wrapped by errors about descriptions that make no sense.
var ErrInvalidDescription = errors.New("invalid description")

// Validate returns the first thing that is wrong with the description by itself.
// The error wraps [ErrInvalidDescription].
func (d Description) Validate() error {
	switch {
	case !d.ID.IsValid():
		return fmt.Errorf("%w: id %v", ErrInvalidDescription, d.ID)
	case d.Since.IsEmpty():
		return fmt.Errorf("%w: %v could never be read, its since is {}", ErrInvalidDescription, d.ID)
	}
	for _, id := range d.DependsOn {
		switch {
		case !id.IsValid():
			return fmt.Errorf("%w: %v depends on id %v", ErrInvalidDescription, d.ID, id)
		case id == d.ID:
			return fmt.Errorf("%w: %v depends on itself", ErrInvalidDescription, d.ID)
		}
	}
	return nil
}

// Equal reports whether both describe the same collection.
func (d Description) Equal(other Description) bool {
	return d.ID == other.ID && d.Since == other.Since && slices.Equal(distinct(d.DependsOn), distinct(other.DependsOn))
}

// Clone returns a copy that shares nothing with d, with dependencies that are
// sorted and distinct.
func (d Description) Clone() Description {
	d.DependsOn = distinct(d.DependsOn)
	return d
}

func distinct(ids []GlobalID) []GlobalID {
	sorted := slices.SortedFunc(slices.Values(ids), GlobalID.Compare)
	return slices.Compact(sorted)
}
