package state

import (
	"cmp"
	"math"
	"strconv"
)

// ShardID names a shard: one durable collection. It is random, and never used
// for another shard again.
type ShardID [16]byte

// WriterID names one writer of a shard: a handle, from its opening until it is
// closed or has to take a new name (see [Appender]). It is random.
type WriterID [16]byte

// LeasedReaderID names a reader whose capability ends unless it is renewed in
// time. It is random, and never used again.
type LeasedReaderID [16]byte

// CriticalReaderID names a reader whose capability never ends by itself. The
// owner records it durably before it registers: a critical reader whose name is
// lost holds the since of the shard back for ever.
type CriticalReaderID [16]byte

// BlobID makes the key of an object unique. It is random.
type BlobID [16]byte

// RunID names a run within its batch, so that a compaction of some runs can say
// which. It is random.
type RunID [16]byte

// IdempotencyToken marks one append, over all its attempts, so that a repeated
// attempt finds out whether an earlier one was committed. It is random; the zero
// token is none.
type IdempotencyToken [16]byte

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
	// CurrentFormat is what this program writes. It reads this and those before,
	// from OldestFormat on, and refuses those that come after.
	CurrentFormat FormatVersion = 3
	// EncryptionFormat is the first format in which parts may be encrypted.
	EncryptionFormat FormatVersion = 3
	// PartsFormat is the first format in which parts may be objects of their own.
	PartsFormat FormatVersion = 2
	// OldestFormat is the oldest format that this program reads.
	OldestFormat FormatVersion = 1
)

// Epoch numbers the eras of a shard's objects. The key of an object says in which
// era it was begun, so that what is left over from an earlier one can be told
// from what is still to be linked.
type Epoch uint64
