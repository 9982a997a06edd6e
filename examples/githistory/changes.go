package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// objectID is the name of an object in git, in bytes.
type objectID string

// String returns it as git writes it.
func (id objectID) String() string { return hex.EncodeToString([]byte(id)) }

func parseObjectID(text string) (objectID, error) {
	id, err := hex.DecodeString(text)
	if err == nil && len(id) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("object id %q: %w", text, err)
	}
	return objectID(id), nil
}

// fileKind is what a path of a tree stands for.
type fileKind uint8

const (
	absent    fileKind = iota
	regular            // a file, executable or not
	symlink            // a symbolic link; its object is the target's name
	submodule          // a commit of another repository
)

// parseKind reads a mode as git writes it, six octal digits.
func parseKind(mode string) (fileKind, error) {
	switch {
	case mode == "000000":
		return absent, nil
	case strings.HasPrefix(mode, "100"):
		return regular, nil
	case mode == "120000":
		return symlink, nil
	case mode == "160000":
		return submodule, nil
	default:
		return absent, fmt.Errorf("mode %q", mode)
	}
}

// version is what a tree has at a path; the zero value is nothing.
type version struct {
	kind   fileKind
	object objectID
}

func parseVersion(mode, object string) (version, error) {
	kind, err := parseKind(mode)
	if err != nil || kind == absent {
		return version{}, err
	}
	id, err := parseObjectID(object)
	return version{kind, id}, err
}

// change is what one commit does to one path.
type change struct {
	path          string
	before, after version
}

// parseChange reads the part of a raw line that is before the path, such as
// ":100644 000000 3b18e51... 0000000... D".
func parseChange(line string) (before, after version, err error) {
	fields := strings.Split(strings.TrimPrefix(line, ":"), " ")
	if !strings.HasPrefix(line, ":") || len(fields) != 5 {
		return before, after, fmt.Errorf("git diff-tree: unexpected line %q", line)
	}
	before, err = parseVersion(fields[0], fields[2])
	if err == nil {
		after, err = parseVersion(fields[1], fields[3])
	}
	if err != nil {
		err = fmt.Errorf("git diff-tree: %w", err)
	}
	return before, after, err
}

// errOutputEnds says that something is missing, although git has not complained.
var errOutputEnds = errors.New("git diff-tree: its output ends too early")

// changeReader reads what git diff-tree prints, with -z and --raw, about pairs of
// trees: for each of them a header, then its changes. One task uses it.
type changeReader struct {
	in      *bufio.Reader
	pairs   []string // the headers that are still to come
	process *process // nil in tests of the format alone
}

// newChangeReader reads what a process says about pairs, each of which is two trees
// with a blank between them. Its owner closes it.
func newChangeReader(p *process, pairs []string) *changeReader {
	return &changeReader{bufio.NewReaderSize(p.out, 1<<16), pairs, p}
}

// next returns the changes between the next two trees. After the last one the
// error is io.EOF.
func (r *changeReader) next() ([]change, error) {
	header, err := r.in.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && header == "" && len(r.pairs) == 0:
		return nil, r.end()
	case err != nil:
		return nil, r.cut(err)
	case len(r.pairs) == 0:
		return nil, fmt.Errorf("git diff-tree: more than was asked for: %q", header)
	case header != r.pairs[0]+"\n": // git passes silently over trees that it does not have
		return nil, fmt.Errorf("git diff-tree: nothing about trees %s; is one missing?", r.pairs[0])
	}
	r.pairs = r.pairs[1:]
	var changes []change
	for {
		start, err := r.in.Peek(1)
		if errors.Is(err, io.EOF) || err == nil && start[0] != ':' {
			return changes, nil
		}
		c, err := r.change()
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
}

func (r *changeReader) change() (change, error) {
	line, err := r.in.ReadString(0)
	if err != nil {
		return change{}, r.cut(err)
	}
	path, err := r.in.ReadString(0)
	if err != nil {
		return change{}, r.cut(err)
	}
	c := change{path: strings.TrimSuffix(path, "\x00")}
	c.before, c.after, err = parseChange(strings.TrimSuffix(line, "\x00"))
	return c, err
}

// end says that there are no more changes, or why there are not.
func (r *changeReader) end() error {
	if r.process == nil {
		return io.EOF
	}
	p := r.process
	r.process = nil
	if err := p.wait(); err != nil {
		return err
	}
	return io.EOF
}

// cut explains why the output cannot be read on.
func (r *changeReader) cut(err error) error {
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("git diff-tree: %w", err)
	}
	if end := r.end(); !errors.Is(end, io.EOF) {
		return end
	}
	return errOutputEnds
}

// close ends the process if it is still there.
func (r *changeReader) close() {
	if r.process != nil {
		r.process.stop()
		r.process = nil
	}
}
