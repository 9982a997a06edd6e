package state

import (
	"fmt"
	"iter"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// CatchUp applies those of the encoded diffs that come after s and returns the
// last version. The log is in order and without gaps, each diff under the version
// to which it leads. To open a shard, begin with the rollup that the newest diff
// names.
//
// Diffs up to the version of s are passed over unread. If the first one after it
// is not the next, the log was truncated beyond s and CatchUp returns a
// [*TruncatedError]: the shard has to be opened anew. Other errors are those of
// [DecodeDiff] and [Apply].
func CatchUp(s *State, log iter.Seq2[SeqNo, []byte]) (*State, error) {
	have := s.SeqNo()
	for n, data := range log {
		if n <= have {
			continue
		}
		if n > have+1 && s.SeqNo() == have {
			return nil, &TruncatedError{Have: have, Earliest: n}
		}
		diff, err := DecodeDiff(data)
		if err != nil {
			return nil, err
		}
		if diff.SeqNo != n {
			return nil, wire.Corrupt("log", "the diff at %v leads to %v", n, diff.SeqNo)
		}
		if s, err = Apply(s, diff); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// TruncatedError says that diffs which are needed are no longer in the log.
type TruncatedError struct {
	// Have is the version to which diffs were to be applied, Earliest the first
	// one after it that is still there.
	Have, Earliest SeqNo
}

// Error implements error.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("log truncated: it goes on at %v, and %v is known", e.Earliest, e.Have)
}
