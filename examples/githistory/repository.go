package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// repository is a git repository with at least one commit.
type repository struct {
	git git
	// directory is git's own, the one called .git as a rule.
	directory string
	// branch is what is checked out; empty if HEAD is detached.
	branch string
	// isShallow says that the clone was made without its older commits.
	isShallow bool
	// emptyTree is the tree without files, which every repository knows.
	emptyTree string
}

// openRepository finds the repository that a directory is in; an empty one is the
// current directory. The error is errNoGit, or says what is missing.
func openRepository(ctx context.Context, directory string) (*repository, error) {
	g := newGit(directory)
	out, err := g.output(ctx, nil, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return nil, noRepository(directory, err)
	}
	r := &repository{directory: strings.TrimRight(string(out), "\r\n")}
	r.git = g.at(r.directory)
	if _, err := r.git.output(ctx, nil, "rev-parse", "--quiet", "--verify", "HEAD^{commit}"); err != nil {
		return nil, r.noCommit(err)
	}
	return r, r.describe(ctx)
}

func (r *repository) describe(ctx context.Context) error {
	out, err := r.git.output(ctx, nil, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	r.isShallow = strings.TrimSpace(string(out)) == "true"
	if out, err = r.git.output(ctx, nil, "rev-parse", "--abbrev-ref", "HEAD"); err != nil {
		return err
	}
	if r.branch = strings.TrimSpace(string(out)); r.branch == "HEAD" {
		r.branch = ""
	}
	out, err = r.git.output(ctx, bytes.NewReader(nil), "hash-object", "-t", "tree", "--stdin")
	r.emptyTree = strings.TrimSpace(string(out))
	return err
}

// head says what is checked out.
func (r *repository) head() string {
	if r.branch == "" {
		return "HEAD (detached)"
	}
	return "branch " + r.branch
}

// noRepository says of which directory git complains.
func noRepository(directory string, err error) error {
	var failure *gitError
	if !errors.As(err, &failure) {
		return err
	}
	where := "in the current directory"
	if directory != "" {
		where = "at " + directory
	}
	return fmt.Errorf("no git repository that can be read %s: %w", where, err)
}

// noCommit says that HEAD is of no commit, if that is what has failed.
func (r *repository) noCommit(err error) error {
	var failure *gitError
	if !errors.As(err, &failure) || failure.Message != "" {
		return err
	}
	return fmt.Errorf("the repository %s has no commits yet", r.directory)
}

// history returns the latest commits, oldest first, along first parents, at most
// limit of them, and whether there are older ones.
func (r *repository) history(ctx context.Context, limit int) (commits []commit, hasOlder bool, err error) {
	out, err := r.git.output(ctx, nil, "rev-list", "--first-parent", "--reverse",
		fmt.Sprintf("--max-count=%d", limit+1), "--format=tformat:%H %T %ct", "HEAD", "--")
	if err != nil {
		return nil, false, err
	}
	commits, err = parseHistory(out)
	if hasOlder = len(commits) > limit; hasOlder {
		commits = commits[1:]
	}
	return commits, hasOlder, err
}

// changesBetween starts a walk through trees: it compares each with the one before
// it, the first with the empty tree.
func (r *repository) changesBetween(ctx context.Context, commits []commit) (*changeReader, error) {
	pairs := make([]string, len(commits))
	before := r.emptyTree
	for n, c := range commits {
		pairs[n] = before + " " + c.tree
		before = c.tree
	}
	p, err := r.git.start(ctx, strings.NewReader(strings.Join(pairs, "\n")+"\n"),
		"diff-tree", "--stdin", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none")
	if err != nil {
		return nil, err
	}
	return newChangeReader(p, pairs), nil
}
