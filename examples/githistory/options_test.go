package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseOptions(t *testing.T) {
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		args string
		want options
	}{
		{"", options{limit: 2000}},
		{"--repo x --limit 7 --lag 90m", options{repository: "x", limit: 7, lag: 90 * time.Minute}},
		{"--s3 s3://b/p", options{limit: 2000, bucket: "s3://b/p"}},
		{"--as-of 2026-01-31", options{limit: 2000, asOf: day.Add(24*time.Hour - time.Millisecond)}},
		{"--as-of 2026-01-31T12:30:00+01:00", options{limit: 2000, asOf: day.Add(11*time.Hour + 30*time.Minute)}},
	} {
		got, err := parseOptions(strings.Fields(test.args))
		if diff := cmp.Diff(test.want, got, allowUnexported); err != nil || diff != "" {
			t.Errorf("%q: error %v (-want +got):\n%s", test.args, err, diff)
		}
	}
}

func TestParseOptionsRefusesWrongValues(t *testing.T) {
	for _, args := range []string{
		"--limit 0", "--limit -1", "--limit x", "--limit", "--lag -1s", "--lag 10", "--lag 1us", "--as-of yesterday",
		"--as-of 2026-13-01", "--as-of 1969-12-31T23:59:59Z", "--as-of 1969-12-30", "--unknown", "argument",
		"--s3 bucket/prefix", "--s3 s3://b/p --dir d",
	} {
		var wrongUse *usageError
		if _, err := parseOptions(strings.Fields(args)); !errors.As(err, &wrongUse) {
			t.Errorf("%q: error %v, want one of usage", args, err)
		}
	}
	if _, err := parseOptions([]string{"-h"}); !errors.Is(err, errHelp) {
		t.Errorf("-h: error %v", err)
	}
}
