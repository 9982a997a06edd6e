package frontier_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// The tables write times as 5, MAX or (3,7), frontiers as {5} or {(3,7), (4,6)},
// and changes as 5:-1, 7:+1.

const timeNotation = `\(\d+,\d+\)|\d+|MAX`

var (
	timePattern   = regexp.MustCompile(timeNotation)
	changePattern = regexp.MustCompile(`(` + timeNotation + `):([+-]\d+)`)
)

// isOverPairs tells which kind of times a row is about.
func isOverPairs(texts ...string) bool {
	return strings.Contains(strings.Join(texts, ""), "(")
}

func parseTime[T partial.Time[T]](text string) T {
	var parsed T
	switch t := any(&parsed).(type) {
	case *partial.Uint64:
		if text == "MAX" {
			*t = partial.Uint64(frontier.MaxTime)
			break
		}
		_, err := fmt.Sscan(text, t)
		must(err)
	case *partial.Pair:
		_, err := fmt.Sscanf(text, "(%d,%d)", &t.First, &t.Second)
		must(err)
	}
	return parsed
}

func parseTimes[T partial.Time[T]](text string) []T {
	var times []T
	for _, t := range timePattern.FindAllString(text, -1) {
		times = append(times, parseTime[T](t))
	}
	return times
}

func parseChanges[T partial.Time[T]](text string) []partial.Change[T] {
	var changes []partial.Change[T]
	for _, match := range changePattern.FindAllStringSubmatch(text, -1) {
		diff, err := strconv.ParseInt(match[2], 10, 64)
		must(err)
		changes = append(changes, partial.Change[T]{Time: parseTime[T](match[1]), Diff: diff})
	}
	return changes
}

// must is for what cannot fail in a test that is written correctly.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
