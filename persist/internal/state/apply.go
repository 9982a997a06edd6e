package state

import (
	"fmt"
	"iter"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Apply returns the version to which the diff leads from s, which stays as it is;
// the two share all that the diff does not name. The diff has to be one that
// leads to the very next version. If it does not belong to s, because it is not
// the next one, or was made from something else, Apply returns a
// [*CorruptionError].
func Apply(s *State, diff *Diff) (*State, error) {
	if diff.From != s.SeqNo() || diff.SeqNo != diff.From+1 {
		return nil, corruptDiff(diff, "does not follow %v", s.SeqNo())
	}
	return apply(s, diff)
}

// apply is Apply for diffs of any width.
func apply(s *State, diff *Diff) (*State, error) {
	if err := checkHeader(s, diff); err != nil {
		return nil, err
	}
	next := new(State)
	*next = *s
	next.header = diff.Header
	for _, field := range fields {
		if err := field.check(s, diff); err != nil {
			return nil, err
		}
		field.apply(next, diff)
	}
	if latest := next.LatestRollup().Key; latest != diff.LatestRollup {
		return nil, corruptDiff(diff, "names %q as the latest rollup, which is %q", diff.LatestRollup, latest)
	}
	return next, nil
}

func checkHeader(s *State, diff *Diff) error {
	old := s.header
	switch {
	case diff.SeqNo <= old.SeqNo || diff.SeqNo > MaxSeqNo:
		return corruptDiff(diff, "leads back, or too far")
	case s.SeqNo() != 0 && diff.Shard != old.Shard:
		return corruptDiff(diff, "is one of %v and not %v", diff.Shard, old.Shard)
	case s.SeqNo() != 0 && diff.WalltimeMS <= old.WalltimeMS:
		return corruptDiff(diff, "walltime goes from %d to %d ms", old.WalltimeMS, diff.WalltimeMS)
	case diff.Version < old.Version:
		return corruptDiff(diff, "format goes from %d to %d", old.Version, diff.Version)
	}
	return nil
}

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
		next, _, err := Follow(s, n, data)
		if err != nil {
			return nil, err
		}
		s = next
	}
	return s, nil
}

// Follow applies the encoded diff that the log has under the version after s, and
// returns that version and the diff.
func Follow(s *State, n SeqNo, data []byte) (*State, *Diff, error) {
	diff, err := DecodeDiff(data)
	if err != nil {
		return nil, nil, err
	}
	if diff.SeqNo != n {
		return nil, nil, wire.Corrupt("log", "the diff at %v leads to %v", n, diff.SeqNo)
	}
	next, err := Apply(s, diff)
	return next, diff, err
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
