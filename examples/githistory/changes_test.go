package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	idA    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	idB    = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	idNone = "0000000000000000000000000000000000000000"
)

func id(t *testing.T, text string) objectID {
	t.Helper()
	parsed, err := parseObjectID(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// readerOf reads a text about pairs of trees.
func readerOf(text string, pairs ...string) *changeReader {
	return &changeReader{in: bufio.NewReader(strings.NewReader(text)), pairs: pairs}
}

// Paths are any bytes but zero: with -z git quotes none of them, so that an end of
// line or a colon in a path is nothing to trip over.
func TestChangeReader(t *testing.T) {
	r := readerOf("t0 t1\n"+
		":000000 100644 "+idNone+" "+idA+" A\x00dir/new\nline\t\"é\x00"+
		":100644 100755 "+idA+" "+idA+" M\x00:mode\x00"+
		":120000 000000 "+idB+" "+idNone+" D\x00link\x00"+
		"t1 t1\n"+
		"t1 t2\n"+
		":100644 160000 "+idA+" "+idB+" T\x00sub\x00", "t0 t1", "t1 t1", "t1 t2")
	a, b := id(t, idA), id(t, idB)
	for n, want := range [][]change{
		{
			{"dir/new\nline\t\"é", version{}, version{regular, a}},
			{":mode", version{regular, a}, version{regular, a}},
			{"link", version{symlink, b}, version{}},
		},
		nil,
		{{"sub", version{regular, a}, version{submodule, b}}},
	} {
		got, err := r.next()
		if err != nil {
			t.Fatalf("pair %d: %v", n, err)
		}
		if diff := cmp.Diff(want, got, allowUnexported); diff != "" {
			t.Errorf("pair %d (-want +got):\n%s", n, diff)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last pair: %v, want EOF", err)
	}
}

// What is cut short, or no output of git diff-tree at all, is an error and never
// taken for the end.
func TestChangeReaderRefusesOtherText(t *testing.T) {
	for _, text := range []string{
		"t0 t1", // a header without its end
		"t0 t1\n:000000 100644 " + idNone + " " + idA + " A",
		"t0 t1\n:000000 100644 " + idNone + " " + idA + " A\x00path",
		"t0 t1\n:000000 100644 " + idNone + " A\x00path\x00",
		"t0 t1\n:000000 100644 " + idNone + " xyz A\x00path\x00",
		"t0 t1\n:000000 100644 " + idNone + "  A\x00path\x00",
		"t0 t1\n:000000 040000 " + idNone + " " + idA + " A\x00path\x00",
		":000000 100644 " + idNone + " " + idA + " A\x00path\x00\n",
		"t1 t2\n",
		"",
	} {
		if got, err := readerOf(text, "t0 t1").next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q is read as %v, error %v", text, got, err)
		}
	}
}

// There is an end only after all that was asked for, and nothing behind it.
func TestChangeReaderRefusesMoreThanWasAskedFor(t *testing.T) {
	r := readerOf("t0 t1\nt1 t2\n", "t0 t1")
	if _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	if got, err := r.next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("changes %v, error %v", got, err)
	}
}

// Trees that git does not have, as in a damaged repository, are named; so is what
// git itself complains of.
func TestChangeReaderSaysWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	f.write("a", "1\n")
	f.commit(1)
	present := f.git("rev-parse", "HEAD^{tree}")
	repository := f.open(t.Context())
	for name, commits := range map[string][]commit{
		"last":   {{tree: present}, {tree: idA}},
		"middle": {{tree: present}, {tree: idA}, {tree: present}, {tree: present}},
	} {
		r, err := repository.changesBetween(t.Context(), commits)
		if err != nil {
			t.Fatal(err)
		}
		if changes, err := r.next(); err != nil || len(changes) != 1 {
			t.Errorf("%s: changes %v, error %v; want one", name, changes, err)
		}
		if _, err := r.next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: error %v, want one about a tree", name, err)
		}
		r.close()
	}
	p, err := repository.git.start(t.Context(), nil, "diff-tree", "--no-such-flag")
	if err != nil {
		t.Fatal(err)
	}
	r := newChangeReader(p, nil)
	defer r.close()
	var failure *gitError
	if _, err := r.next(); !errors.As(err, &failure) || failure.Command != "diff-tree" {
		t.Errorf("error %v, want one of git diff-tree", err)
	}
}
