package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// formatTime writes a time of the collection as a date in UTC.
func formatTime(t uint64) string { return time.UnixMilli(int64(t)).UTC().Format(time.DateTime) }

// formatDuration writes milliseconds as precisely as people want to know.
func formatDuration(milliseconds uint64) string {
	const day = 24 * 60 * 60 * 1000
	if milliseconds >= 2*day {
		return fmt.Sprintf("%.1f days", float64(milliseconds)/day)
	}
	d := time.Duration(milliseconds) * time.Millisecond
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	}
	return d.String()
}

func formatTotal(t total) string { return plural(t.files, "file") + ", " + plural(t.lines, "line") }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return formatCount(n) + " " + noun + "s"
}

// formatCount writes a number that is not negative with commas.
func formatCount(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// formatName writes the name of a file, which may be any bytes: what a terminal
// would not just show is quoted.
func formatName(name string) string {
	isHarmless := func(r rune) bool { return r != unicode.ReplacementChar && unicode.IsPrint(r) }
	if strings.IndexFunc(name, func(r rune) bool { return !isHarmless(r) }) >= 0 {
		return strconv.Quote(name)
	}
	return name
}
