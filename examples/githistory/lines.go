package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// lineCounter counts the lines of objects, of each but once, with the help of git
// cat-file. One task uses it.
type lineCounter struct {
	process *process
	in      *os.File
	out     *bufio.Reader
	known   map[objectID]int
}

// newLineCounter starts the process; close ends it.
func newLineCounter(ctx context.Context, g git) (*lineCounter, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	defer theirs.Close()
	p, err := g.start(ctx, theirs, "cat-file", "--batch")
	if err != nil {
		ours.Close()
		return nil, err
	}
	return &lineCounter{p, ours, bufio.NewReaderSize(p.out, 1<<16), make(map[objectID]int)}, nil
}

// lines returns the lines of what a tree has at a path: those of a text file, and
// none of a binary one, a symbolic link, or another repository.
func (c *lineCounter) lines(v version) (int, error) {
	if v.kind != regular {
		return 0, nil
	}
	if n, isKnown := c.known[v.object]; isKnown {
		return n, nil
	}
	n, err := c.ask(v.object)
	if err != nil {
		return 0, fmt.Errorf("object %v: %w", v.object, c.process.because(err))
	}
	c.known[v.object] = n
	return n, nil
}

func (c *lineCounter) ask(id objectID) (int, error) {
	if _, err := io.WriteString(c.in, id.String()+"\n"); err != nil {
		return 0, err
	}
	header, err := c.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	size, err := parseObjectHeader(header)
	if err != nil {
		return 0, err
	}
	n, err := countLines(io.LimitReader(c.out, size), size)
	if err != nil {
		return 0, err
	}
	_, err = c.out.Discard(1) // the end of line behind the object
	return n, err
}

// close ends the process.
func (c *lineCounter) close() {
	c.in.Close()
	c.process.stop()
}

// parseObjectHeader reads the line before an object, such as "3b18e51... blob 12".
func parseObjectHeader(header string) (size int64, err error) {
	fields := strings.Fields(header)
	switch {
	case len(fields) == 2 && fields[1] == "missing":
		return 0, errors.New("git does not have it")
	case len(fields) != 3 || fields[1] != "blob":
		return 0, fmt.Errorf("git cat-file: unexpected line %q", header)
	}
	return strconv.ParseInt(fields[2], 10, 64)
}

const (
	// binaryPrefix is how many bytes git looks at to tell text from binary files.
	binaryPrefix = 8000
	// textSizeMax is from where on git takes every file for a binary one.
	textSizeMax = 512 << 20
)

// countLines returns the newlines of a text, plus one if its last line does not
// end with one. Of a binary file, which has a zero byte in its first 8,000 bytes
// or is very large, it returns 0. It reads to the end.
func countLines(text io.Reader, size int64) (lines int, err error) {
	last := byte('\n')
	isBinary := size > textSizeMax
	buffer := make([]byte, 32<<10)
	for offset := 0; ; {
		n, err := io.ReadFull(text, buffer)
		chunk := buffer[:n]
		if offset == 0 {
			isBinary = isBinary || bytes.IndexByte(chunk[:min(n, binaryPrefix)], 0) >= 0
		}
		lines += bytes.Count(chunk, []byte{'\n'})
		if n > 0 {
			last = chunk[n-1]
		}
		offset += n
		switch {
		case err == nil:
			continue
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return 0, err
		case int64(offset) < size:
			return 0, io.ErrUnexpectedEOF
		case isBinary:
			return 0, nil
		case last != '\n':
			lines++
		}
		return lines, nil
	}
}
