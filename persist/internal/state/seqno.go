package state

import (
	"cmp"
	"math"
	"strconv"
)

// SeqNo numbers the versions of a shard: 1, 2, 3 and so on, without gaps. 0 is
// before the first version.
type SeqNo uint64

// MaxSeqNo is the last version that a shard can have.
const MaxSeqNo SeqNo = math.MaxInt64

// Compare orders versions by age.
func (n SeqNo) Compare(other SeqNo) int { return cmp.Compare(n, other) }

// String returns 'v' and the number.
func (n SeqNo) String() string { return "v" + strconv.FormatUint(uint64(n), 10) }

// FormatVersion numbers the formats in which a shard can be stored. Every stored
// record says its own.
type FormatVersion uint64

const (
	// CurrentFormat is what this program writes. It reads this and the one
	// before, and refuses those that come after.
	CurrentFormat FormatVersion = 1
	// OldestFormat is the oldest format that this program reads.
	OldestFormat FormatVersion = 1
)

// Epoch numbers the eras of a shard's objects. The key of an object says in which
// era it was begun, so that what is left over from an earlier one can be told
// from what is still to be linked.
type Epoch uint64
