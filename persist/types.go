package persist

import (
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

type (
	// ShardID names a shard; its text is 's' and 32 hexadecimal digits.
	ShardID = state.ShardID
	// WriterID names a writer of a shard; its text begins with 'w'.
	WriterID = state.WriterID
	// CriticalReaderID names a reader whose capability never ends by itself;
	// its text begins with 'c'.
	CriticalReaderID = state.CriticalReaderID
	// LeasedReaderID names a reader whose capability ends with its lease; its text
	// begins with 'r'.
	LeasedReaderID = state.LeasedReaderID
	// SeqNo numbers the versions of a shard, from 1.
	SeqNo = state.SeqNo
	// Opaque is what the owner of a critical capability leaves behind, as a rule
	// its epoch.
	Opaque = state.Opaque
	// Update says that at a time, and from then on, there is Diff more of a
	// row.
	Update = part.Update
)

// SeqNoMax is the greatest SeqNo.
const SeqNoMax = state.MaxSeqNo

// ParseShardID returns the shard id that ShardID.String prints as text. Its error
// wraps [ErrUsage].
func ParseShardID(text string) (ShardID, error) { return state.ParseShardID(text) }

// ParseCriticalReaderID returns the id that CriticalReaderID.String prints as
// text. Its error wraps [ErrUsage].
func ParseCriticalReaderID(text string) (CriticalReaderID, error) {
	return state.ParseCriticalReaderID(text)
}
