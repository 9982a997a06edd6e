package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNumstatAndListing(t *testing.T) {
	lines, err := parseNumstat([]byte("3\t0\ttext\x00-\t-\tbinary\x001\t0\tlink\x007\t0\ta\ttab\nand end\x00"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseListing([]byte("100644 blob "+idA+"\ta\ttab\nand end\x00100755 blob "+idA+"\tbinary\x00"+
		"120000 blob "+idB+"\tlink\x00160000 commit "+idB+"\tsub\x00100644 blob "+idB+"\ttext\x00"), lines)
	if err != nil {
		t.Fatal(err)
	}
	a, b := id(t, idA), id(t, idB)
	want := []row{{"a\ttab\nand end", a, 7}, {"binary", a, 0}, {"link", b, 0}, {"sub", b, 0}, {"text", b, 3}}
	if diff := cmp.Diff(want, got, allowUnexported); diff != "" {
		t.Errorf("wrong rows (-want +got):\n%s", diff)
	}
	for _, wrong := range []string{"3\t0\x00", "x\t0\tp\x00"} {
		if _, err := parseNumstat([]byte(wrong)); err == nil {
			t.Errorf("numstat %q is accepted", wrong)
		}
	}
	for _, wrong := range []string{"100644 blob " + idA + " p\x00", "100644 " + idA + "\tp\x00", "1 blob x\tp\x00"} {
		if _, err := parseListing([]byte(wrong), nil); err == nil {
			t.Errorf("listing %q is accepted", wrong)
		}
	}
}

// A difference in any one row is found, named by its path, also where the totals
// agree.
func TestCompareFindsEachDifference(t *testing.T) {
	a, b := id(t, idA), id(t, idB)
	git := []row{{"p", a, 3}, {"q", a, 4}}
	if err := compare(commit{hash: "c"}, git, git); err != nil {
		t.Errorf("equal rows: %v", err)
	}
	for name, test := range map[string]struct {
		ours []row
		path string
	}{
		"nothing":        {nil, "p"},
		"missing":        {[]row{{"q", a, 4}}, "p"},
		"one too few":    {[]row{{"p", a, 3}}, "q"},
		"one too many":   {[]row{{"p", a, 3}, {"q", a, 4}, {"r", a, 0}}, "r"},
		"inserted":       {[]row{{"o", a, 0}, {"p", a, 3}, {"q", a, 4}}, "o"},
		"lines":          {[]row{{"p", a, 3}, {"q", a, 5}}, "q"},
		"content":        {[]row{{"p", b, 3}, {"q", a, 4}}, "p"},
		"lines, shifted": {[]row{{"p", a, 4}, {"q", a, 3}}, "p"},
	} {
		var mismatch *mismatchError
		err := compare(commit{hash: "0123456789abcdef"}, test.ours, git)
		if !errors.As(err, &mismatch) || mismatch.Path != test.path || mismatch.Git != (total{2, 7}) {
			t.Errorf("%s: error %v, want a mismatch at %q", name, err, test.path)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "012345678:") || strings.Contains(text, "\n") {
			t.Errorf("%s: message %q", name, text)
		}
	}
}
