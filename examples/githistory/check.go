package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// mismatchError says that the collection and git differ about a commit.
type mismatchError struct {
	Commit    string
	Ours, Git total
	// Path is the first of those about which they differ.
	Path string
}

// Error implements error.
func (e *mismatchError) Error() string {
	return fmt.Sprintf("MISMATCH at commit %s: the collection has %s, git says %s; the first difference is at %q",
		e.Commit, formatTotal(e.Ours), formatTotal(e.Git), e.Path)
}

// rowsOf returns the tree of a commit as git itself has it: the files as in git
// ls-tree -r, the lines as git counts them in git diff --numstat against nothing.
// None of it goes through the code that fills the collection.
func (r *repository) rowsOf(ctx context.Context, c commit) ([]row, error) {
	listing, err := r.git.output(ctx, nil, "ls-tree", "-r", "-z", "--full-tree", c.tree)
	if err != nil {
		return nil, err
	}
	counts, err := r.git.output(ctx, nil,
		"-c", "attr.tree="+r.emptyTree, "-c", "core.bigFileThreshold="+strconv.Itoa(textSizeMax),
		"diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", r.emptyTree, c.tree)
	if err != nil {
		return nil, err
	}
	lines, err := parseNumstat(counts)
	if err != nil {
		return nil, err
	}
	return parseListing(listing, lines)
}

// parseNumstat reads what git diff-tree prints with --numstat and -z: for each
// path the lines added, which is "-" for a binary file, and those deleted.
func parseNumstat(out []byte) (map[string]int, error) {
	lines := make(map[string]int)
	for _, record := range records(out) {
		fields := strings.SplitN(record, "\t", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("git diff-tree: unexpected record %q", record)
		}
		added := 0
		if fields[0] != "-" {
			n, err := strconv.Atoi(fields[0])
			if err != nil {
				return nil, fmt.Errorf("git diff-tree: unexpected record %q: %w", record, err)
			}
			added = n
		}
		lines[fields[2]] = added
	}
	return lines, nil
}

// parseListing reads what git ls-tree -r prints with -z, and adds the lines of the
// regular files; the others have none.
func parseListing(out []byte, lines map[string]int) ([]row, error) {
	var rows []row
	for _, record := range records(out) {
		description, path, found := strings.Cut(record, "\t")
		fields := strings.Split(description, " ")
		if !found || len(fields) != 3 {
			return nil, fmt.Errorf("git ls-tree: unexpected record %q", record)
		}
		v, err := parseVersion(fields[0], fields[2])
		if err != nil {
			return nil, fmt.Errorf("git ls-tree: %w", err)
		}
		next := row{path: path, object: v.object}
		if v.kind == regular {
			next.lines = lines[path]
		}
		rows = append(rows, next)
	}
	return rows, nil
}

// records splits output at the zero bytes that end its records.
func records(out []byte) []string {
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// compare returns a [*mismatchError] unless both have the same rows. They have to
// be ordered by path.
func compare(c commit, ours, git []row) error {
	for i := range max(len(ours), len(git)) {
		var a, b row
		if i < len(ours) {
			a = ours[i]
		}
		if i < len(git) {
			b = git[i]
		}
		if a != b {
			path := a.path
			if path == "" || b.path != "" && b.path < path {
				path = b.path
			}
			ourTotal, _ := summarise(ours, 1)
			gitTotal, _ := summarise(git, 1)
			return &mismatchError{Commit: c.short(), Ours: ourTotal, Git: gitTotal, Path: path}
		}
	}
	return nil
}
