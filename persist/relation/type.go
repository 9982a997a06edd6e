package relation

import "strconv"

// Type is the type of a column. The numbers are stored.
type Type uint8

// The types. The zero Type is that of null.
const (
	Bool    Type = 1
	Int64   Type = 2
	Uint64  Type = 3
	Float64 Type = 4
	// String is text in UTF-8.
	String Type = 5
	// Bytes is any sequence of bytes.
	Bytes Type = 6
)

var typeNames = [...]string{"null", "bool", "int64", "uint64", "float64", "string", "bytes"}

// String returns the name of the type.
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return "type " + strconv.Itoa(int(t))
	}
	return typeNames[t]
}

func (t Type) isKnown() bool { return t >= Bool && t <= Bytes }

// IsText reports whether values are sequences of bytes.
func (t Type) IsText() bool { return t == String || t == Bytes }
