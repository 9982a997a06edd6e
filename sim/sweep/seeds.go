package sweep

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Range is the seeds from First to Last, both included. Last is not less than
// First.
type Range struct{ First, Last uint64 }

// Seeds is a list of ranges of seeds.
type Seeds []Range

// ErrSeeds is wrapped by the errors of ParseSeeds.
var ErrSeeds = errors.New("sweep: seeds")

// Single returns a list of one seed.
func Single(seed uint64) Seeds { return Seeds{{seed, seed}} }

// ParseSeeds reads a list such as "1-1000,2000,0x2a": numbers and ranges,
// decimal or hexadecimal, with underscores for readability. "random" stands
// for a seed drawn from random, and "commit:<hash>" for the last 16
// hexadecimal digits of a commit hash.
func ParseSeeds(text string, random func() uint64) (Seeds, error) {
	var all Seeds
	for item := range strings.SplitSeq(text, ",") {
		r, err := parseRange(strings.TrimSpace(item), random)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSeeds, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func parseRange(item string, random func() uint64) (Range, error) {
	if item == "random" {
		seed := random()
		return Range{seed, seed}, nil
	}
	if hash, ok := strings.CutPrefix(item, "commit:"); ok {
		seed, err := foldCommit(hash)
		return Range{seed, seed}, err
	}
	low, high, isRange := strings.Cut(item, "-")
	if low == "" {
		low, isRange = item, false // a negative number, or nothing
	}
	first, err := parseSeed(low)
	if err != nil || !isRange {
		return Range{first, first}, err
	}
	last, err := parseSeed(high)
	if err != nil {
		return Range{}, err
	}
	if last < first {
		return Range{}, fmt.Errorf("range %q runs backwards", item)
	}
	return Range{first, last}, nil
}

func parseSeed(text string) (uint64, error) {
	digits, base := strings.ReplaceAll(text, "_", ""), 10
	if hexadecimal, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		digits, base = hexadecimal, 16
	}
	seed, err := strconv.ParseUint(digits, base, 64)
	if err != nil || strings.HasPrefix(text, "_") {
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%q does not fit into 64 bits", text)
		}
		return 0, fmt.Errorf("%q is not a number, a range, random, or commit:<hash>", text)
	}
	return seed, nil
}

func foldCommit(hash string) (uint64, error) {
	if len(hash) < 7 || len(hash) > 64 {
		return 0, fmt.Errorf("commit hash %q has %d digits, not 7 to 64", hash, len(hash))
	}
	seed, err := strconv.ParseUint(hash[max(0, len(hash)-16):], 16, 64)
	if err != nil || strings.Trim(strings.ToLower(hash), "0123456789abcdef") != "" {
		return 0, fmt.Errorf("commit hash %q is not hexadecimal", hash)
	}
	return seed, nil
}

// Count returns the number of seeds, at most the greatest uint64.
func (s Seeds) Count() uint64 {
	var n uint64
	for _, r := range s {
		size := r.Last - r.First + 1
		if size == 0 || n+size < n {
			return ^uint64(0)
		}
		n += size
	}
	return n
}

// All yields the seeds in order of the list.
func (s Seeds) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, r := range s {
			for seed := r.First; ; seed++ {
				if !yield(seed) {
					return
				}
				if seed == r.Last {
					break
				}
			}
		}
	}
}

// String returns the list in the notation of ParseSeeds.
func (s Seeds) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = Format(r.First)
		if r.Last != r.First {
			parts[i] += "-" + Format(r.Last)
		}
	}
	return strings.Join(parts, ",")
}

// Format returns the one spelling of a seed in output: decimal up to a
// million, 16 hexadecimal digits above.
func Format(seed uint64) string {
	if seed <= 1_000_000 {
		return strconv.FormatUint(seed, 10)
	}
	return fmt.Sprintf("%#016x", seed)
}
