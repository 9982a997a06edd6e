package sweep

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is a part of a sweep that runs somewhere else than the others: the seeds whose
// places in the list leave the same remainder. The zero value is the whole.
type Shard struct{ Index, Of int } // from 1 to Of

// ParseShard reads "2/8". The error wraps ErrOptions.
func ParseShard(text string) (Shard, error) {
	index, of, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	s := Shard{i, n}
	if !ok || err != nil || err2 != nil || n < 1 || s.Validate() != nil {
		return Shard{}, fmt.Errorf("%w: shard %q is not I/N, with I from 1 to N", ErrOptions, text)
	}
	return s, nil
}

// Validate returns what is wrong with the shard. The error wraps ErrOptions.
func (s Shard) Validate() error {
	if s != (Shard{}) && (s.Of < 1 || s.Index < 1 || s.Index > s.Of) {
		return fmt.Errorf("%w: shard %d/%d", ErrOptions, s.Index, s.Of)
	}
	return nil
}

// IsPart reports whether there are other shards.
func (s Shard) IsPart() bool { return s.Of > 1 }

// String returns the notation of ParseShard; empty for the zero value.
func (s Shard) String() string {
	if s == (Shard{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// has reports whether the seed at a place of the list belongs to the shard.
func (s Shard) has(place uint64) bool { return !s.IsPart() || place%uint64(s.Of) == uint64(s.Index-1) }

// place returns the place within the shard.
func (s Shard) place(place uint64) uint64 {
	if !s.IsPart() {
		return place
	}
	return place / uint64(s.Of)
}

// count returns how many of the seeds belong to the shard.
func (s Shard) count(seeds uint64) uint64 {
	if !s.IsPart() {
		return seeds
	}
	n := seeds / uint64(s.Of)
	if seeds%uint64(s.Of) >= uint64(s.Index) {
		n++
	}
	return n
}
