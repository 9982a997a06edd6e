package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormats(t *testing.T) {
	const second, day = 1000, 86_400_000
	for _, test := range []struct{ got, want string }{
		{formatCount(0), "0"},
		{formatCount(999), "999"},
		{formatCount(1000), "1,000"},
		{formatCount(1234567), "1,234,567"},
		{plural(1, "file"), "1 file"},
		{plural(0, "file"), "0 files"},
		{formatTotal(total{1, 2000}), "1 file, 2,000 lines"},
		{formatDuration(1), "1ms"},
		{formatDuration(9*second + 5), "9.005s"},
		{formatDuration(822*second + 600), "13m43s"},
		{formatDuration(3 * day / 2), "36h0m0s"},
		{formatDuration(5 * day / 2), "2.5 days"},
		{formatTime(0), "1970-01-01 00:00:00"},
		{formatName("füße/"), "füße/"},
		{formatName("a\x1b[2J/"), `"a\x1b[2J/"`},
		{formatName("\xff/"), `"\xff/"`},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

// Directories are listed by their lines; nothing gets lost among the others.
func TestSummarise(t *testing.T) {
	all, parts := summarise([]row{
		{"LICENSE", "", 9}, {"a/x", "", 3}, {"a/b/y", "", 4}, {"b/z", "", 20}, {"c/1", "", 0}, {"d/1", "", 1}, {"d/2", "", 0},
	}, 4)
	want := []part{{"b/", total{1, 20}}, {topLevel, total{1, 9}}, {"a/", total{2, 7}}, {"2 others", total{3, 1}}}
	if diff := cmp.Diff(want, parts, allowUnexported); diff != "" || all != (total{7, 37}) {
		t.Errorf("all %v, parts (-want +got):\n%s", all, diff)
	}
	if all, parts := summarise(nil, 4); all != (total{}) || parts != nil {
		t.Errorf("nothing adds up to %v, %v", all, parts)
	}
}
