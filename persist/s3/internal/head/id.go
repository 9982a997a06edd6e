package head

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// ID is 16 bytes of chance. Each call is given one of its own: it is the commit id of a
// [Commit], and the nonces of the objects that the call writes are derived from it.
type ID [16]byte

// String returns the hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// derived returns a different id for each n, as long as no other call has the same 12
// bytes at the beginning of its id.
func (id ID) derived(n uint32) ID {
	binary.BigEndian.PutUint32(id[12:], binary.BigEndian.Uint32(id[12:])+n)
	return id
}

// SegmentName returns the name of the segment with the versions from first to last that
// has been given an id: both numbers with 19 digits, so that names are in the order of the
// versions, and the id, separated by '-'.
func SegmentName(first, last state.SeqNo, id ID) string {
	return fmt.Sprintf("%019d-%019d-%v", uint64(first), uint64(last), id)
}

// ParseSegmentName returns the first and the last version of a segment, and false if the
// text is no name of a segment.
func ParseSegmentName(name string) (first, last state.SeqNo, ok bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 3 {
		return 0, 0, false
	}
	lower, errLower := strconv.ParseUint(parts[0], 10, 63)
	upper, errUpper := strconv.ParseUint(parts[1], 10, 63)
	digits, errID := hex.DecodeString(parts[2])
	if errLower != nil || errUpper != nil || errID != nil || len(digits) != len(ID{}) || lower < 1 || lower > upper {
		return 0, 0, false
	}
	first, last = state.SeqNo(lower), state.SeqNo(upper)
	return first, last, name == SegmentName(first, last, ID(digits))
}
