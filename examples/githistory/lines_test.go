package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCountLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"empty", "", 0},
		{"one end of line", "\n", 1},
		{"terminated", "a\nb\n", 2},
		{"unterminated", "a\nb", 2},
		{"carriage returns end no line", "a\rb\r\nc", 2},
		{"zero byte", "a\x00\nb\n", 0},
		{"zero byte at the last place that counts", strings.Repeat("\n", 7999) + "\x00\n", 0},
		{"zero byte behind it", strings.Repeat("\n", 8000) + "\x00\n", 8001},
		{"several buffers", long + "\n" + long, 2},
		{"an end of line at the end of a buffer", strings.Repeat("x", 32<<10-1) + "\n", 1},
	} {
		for name, reader := range map[string]io.Reader{
			"at once":       strings.NewReader(test.text),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(test.text)),
			"error at once": iotest.DataErrReader(strings.NewReader(test.text)),
		} {
			if got, err := countLines(reader, int64(len(test.text))); err != nil || got != test.want {
				t.Errorf("%s, %s: %d, error %v; want %d", test.name, name, got, err, test.want)
			}
		}
	}
}

// An object that ends early is an error: the process behind it has died.
func TestCountLinesNeedsTheWholeObject(t *testing.T) {
	if n, err := countLines(strings.NewReader("a\nb"), 4); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d lines, error %v", n, err)
	}
	broken := errors.New("broken")
	if n, err := countLines(iotest.ErrReader(broken), 4); !errors.Is(err, broken) {
		t.Errorf("%d lines, error %v", n, err)
	}
}

func TestParseObjectHeader(t *testing.T) {
	if size, err := parseObjectHeader(idA + " blob 12\n"); err != nil || size != 12 {
		t.Errorf("size %d, error %v", size, err)
	}
	for _, wrong := range []string{idA + " missing\n", idA + " tree 12\n", idA + " blob x\n", "\n"} {
		if size, err := parseObjectHeader(wrong); err == nil {
			t.Errorf("%q is read as size %d", wrong, size)
		}
	}
}

// An object that git does not have, as in a damaged repository, is an error that
// says so, and the counter can go on.
func TestLineCounterSaysWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	f.write("a", "1\n2\n")
	f.commit(1)
	counter, err := newLineCounter(t.Context(), f.open(t.Context()).git)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.close()
	_, err = counter.lines(version{regular, id(t, idA)})
	if err == nil || !strings.Contains(err.Error(), idA+": git does not have it") {
		t.Errorf("missing object: %v", err)
	}
	present := version{regular, id(t, f.git("rev-parse", "HEAD:a"))}
	if n, err := counter.lines(present); err != nil || n != 2 {
		t.Errorf("%d lines, error %v; want 2", n, err)
	}
}

// When the process dies the error says how.
func TestLineCounterSaysWhyGitHasEnded(t *testing.T) {
	f := newFixture(t)
	f.write("a", "1\n")
	f.commit(1)
	counter, err := newLineCounter(t.Context(), f.open(t.Context()).git)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.close()
	if err := counter.process.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err = counter.lines(version{regular, id(t, idA)})
	var failure *gitError
	if !errors.As(err, &failure) || failure.Command != "cat-file" || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v, want that of a killed cat-file", err)
	}
}
