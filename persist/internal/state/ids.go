package state

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
