package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// git runs git as a subprocess, always in the same place.
type git struct {
	place       []string // global flags that say which repository
	directory   string   // where it stands; empty is the current directory
	environment []string
}

// errNoGit says that there is no git to ask.
var errNoGit = errors.New("there is no git in the PATH; install git and try again")

// gitError is what git had to say about a command of ours.
type gitError struct {
	// Command is the name of the command, such as "diff-tree".
	Command string
	// Message is what it complained about, in one line; it may be empty.
	Message string
	// Cause is how the process ended.
	Cause error
}

// Error implements error.
func (e *gitError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("git %s: %v", e.Command, e.Cause)
	}
	return fmt.Sprintf("git %s: %s", e.Command, e.Message)
}

// Unwrap returns how the process ended.
func (e *gitError) Unwrap() error { return e.Cause }

// newGit returns the git that works on the directory; empty is the current one,
// or the one that git's own environment names.
func newGit(directory string) git {
	g := git{environment: append(os.Environ(),
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_ATTR_NOSYSTEM=1")}
	if directory != "" {
		g.place = []string{"-C", directory}
		g.environment = without(g.environment, "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
	}
	return g
}

// without returns an environment that lacks some variables.
func without(environment []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(names, name)
	})
}

// at returns the git that works on a repository's own directory, whatever kind of
// work tree it has. It stands there and sees no index, so that the attributes which
// the work tree has at this moment do not decide what it says of any commit.
func (g git) at(repository string) git {
	g.place = []string{"--git-dir=" + repository, "-c", "core.attributesFile=" + os.DevNull}
	g.directory = repository
	g.environment = append(without(g.environment, "GIT_WORK_TREE", "GIT_INDEX_FILE"),
		"GIT_INDEX_FILE="+filepath.Join(repository, "no-index-for-githistory"))
	return g
}

// output runs a command and returns what it prints. The error is errNoGit, a
// [*gitError], or that of ctx.
func (g git) output(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	p, err := g.start(ctx, stdin, args...)
	if err != nil {
		return nil, err
	}
	data, readErr := io.ReadAll(p.out)
	if err := p.wait(); err != nil {
		return nil, err
	}
	return data, readErr
}

// process is a git command that is running.
type process struct {
	out     io.ReadCloser
	command *exec.Cmd
	ctx     context.Context
	name    string
	stderr  bytes.Buffer
}

// start starts a command. Its owner has to call wait or stop.
func (g git) start(ctx context.Context, stdin io.Reader, args ...string) (*process, error) {
	p := &process{ctx: ctx, name: args[0]}
	p.command = exec.CommandContext(ctx, "git", append(slices.Clone(g.place), args...)...)
	p.command.Dir = g.directory
	p.command.Env = g.environment
	p.command.Stdin = stdin
	p.command.Stderr = &p.stderr
	p.command.WaitDelay = time.Second
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", p.name, err)
	}
	p.out = out
	if err := p.command.Start(); err != nil {
		return nil, p.explain(err)
	}
	return p, nil
}

// wait waits until the command has ended, and returns why if it did not end well.
// All of its output has to be read before.
func (p *process) wait() error { return p.explain(p.command.Wait()) }

// stop ends a command whose output nobody wants any more.
func (p *process) stop() {
	_ = p.command.Process.Kill() // it may have ended
	_ = p.command.Wait()         // how it ended we know
}

// because returns why the command has closed its end of a pipe, if that is what an
// error of reading or writing comes from.
func (p *process) because(err error) error {
	isClosed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE)
	if !isClosed {
		return err
	}
	if end := p.wait(); end != nil {
		return end
	}
	return err
}

// explain finds the error that tells people most.
func (p *process) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case p.ctx.Err() != nil:
		return fmt.Errorf("git %s: %w", p.name, p.ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return errNoGit
	}
	return &gitError{Command: p.name, Message: complaint(p.stderr.String()), Cause: err}
}

// complaint returns the first line of an error output that is no mere warning.
func complaint(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "warning:") {
			return strings.TrimPrefix(line, "fatal: ")
		}
	}
	return ""
}
