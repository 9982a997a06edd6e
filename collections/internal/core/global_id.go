package core

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// GlobalID names a collection. Ids are never reused, also not after a drop. The
// zero value names nothing.
//
// Ids are ordered by kind, then by number. That order serves to present things
// the same way each time; it says nothing about who depends on whom.
type GlobalID struct {
	// Kind says who made the collection.
	Kind Kind
	// Number tells apart the collections of a kind; 0 for [Explain].
	Number uint64
}

// Kind is the first part of a [GlobalID].
type Kind uint8

// The kinds of ids, in their order.
const (
	// System collections come with the product.
	System Kind = iota + 1
	// IntrospectionSourceIndex collections belong to a cluster.
	IntrospectionSourceIndex
	// User collections are made by people.
	User
	// Transient collections live as long as a query.
	Transient
	// Explain is the one id of plans that are only shown.
	Explain
)

// tags holds the text of each kind.
var tags = [...]string{
	System: "s", IntrospectionSourceIndex: "si", User: "u", Transient: "t", Explain: "explain",
}

// ErrMalformedID says that a text is not the text of a [GlobalID].
var ErrMalformedID = errors.New("malformed collection id")

// SystemID returns the id that prints as "s" and the number.
func SystemID(number uint64) GlobalID { return GlobalID{System, number} }

// UserID returns the id that prints as "u" and the number.
func UserID(number uint64) GlobalID { return GlobalID{User, number} }

// TransientID returns the id that prints as "t" and the number.
func TransientID(number uint64) GlobalID { return GlobalID{Transient, number} }

// ParseGlobalID returns the id that [GlobalID.String] prints as text. Any other
// text gives an error that is [ErrMalformedID].
func ParseGlobalID(text string) (GlobalID, error) {
	if text == tags[Explain] {
		return GlobalID{Kind: Explain}, nil
	}
	tag := strings.TrimRight(text, "0123456789")
	for kind := System; kind < Explain; kind++ {
		if tag != tags[kind] {
			continue
		}
		number, err := strconv.ParseUint(text[len(tag):], 10, 64)
		id := GlobalID{kind, number}
		if err != nil || id.String() != text {
			break
		}
		return id, nil
	}
	return GlobalID{}, fmt.Errorf("%w: %.40q", ErrMalformedID, text)
}

// IsValid reports whether the id is one that [ParseGlobalID] may return.
func (id GlobalID) IsValid() bool {
	return id.Kind >= System && id.Kind < Explain || id == GlobalID{Kind: Explain}
}

// IsUser reports whether the id is of kind [User].
func (id GlobalID) IsUser() bool { return id.Kind == User }

// IsSystem reports whether the collection comes with the product: it is of kind
// [System] or [IntrospectionSourceIndex].
func (id GlobalID) IsSystem() bool {
	return id.Kind == System || id.Kind == IntrospectionSourceIndex
}

// IsTransient reports whether the id is of kind [Transient].
func (id GlobalID) IsTransient() bool { return id.Kind == Transient }

// Compare returns -1, 0 or +1 as id comes before, is, or comes after other.
func (id GlobalID) Compare(other GlobalID) int {
	if byKind := cmp.Compare(id.Kind, other.Kind); byKind != 0 {
		return byKind
	}
	return cmp.Compare(id.Number, other.Number)
}

// String returns the text of the id, such as "u42", or "none" for the zero value.
func (id GlobalID) String() string {
	switch {
	case id.Kind == Explain:
		return tags[Explain]
	case id.Kind >= System && id.Kind < Explain:
		return tags[id.Kind] + strconv.FormatUint(id.Number, 10)
	case id == GlobalID{}:
		return "none"
	default:
		return fmt.Sprintf("invalid%d.%d", id.Kind, id.Number)
	}
}

// MarshalText returns the text of the id; an id that is not valid has none.
func (id GlobalID) MarshalText() ([]byte, error) {
	if !id.IsValid() {
		return nil, fmt.Errorf("%w: %v", ErrMalformedID, id)
	}
	return []byte(id.String()), nil
}

// UnmarshalText sets id as [ParseGlobalID] does. If it fails, id stays as it was.
func (id *GlobalID) UnmarshalText(text []byte) error {
	parsed, err := ParseGlobalID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
