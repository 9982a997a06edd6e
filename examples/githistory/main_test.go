package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// history makes a repository with commits at these times, each of which adds a file
// of one line.
func history(t *testing.T, seconds ...int64) *fixture {
	t.Helper()
	f := newFixture(t)
	for n, s := range seconds {
		f.write("files/"+string(rune('a'+n)), "line of "+string(rune('a'+n))+"\n")
		f.commit(s)
	}
	return f
}

// Even a history of two commits is read while it grows.
func TestReadsWhileItLoads(t *testing.T) {
	for _, seconds := range [][]int64{{10, 20}, {10, 20, 30}, {10, 10, 20}, {10, 5, 20, 20, 20}} {
		last := formatCount(len(seconds)) + " of "
		history(t, seconds...).about().mustReport(t, "\nas of ", "\n"+last, "held:", "is refused", "done:")
	}
}

func TestOneCommit(t *testing.T) {
	history(t, 10).about().mustReport(t, "1 commit along", "read after 1 of 1 commit",
		"checked:", "1 file, 1 line,", "can still be read", "done:     1 commit, 1 update,")
}

func TestLimitInsertsTheWholeTree(t *testing.T) {
	f := history(t, 10, 20, 30, 40)
	f.about("--limit", "2").mustReport(t, "2 commits along",
		"older commits are left out (--limit): "+f.git("rev-parse", "HEAD~1")[:9]+" inserts its whole tree",
		"total             3            3", "3 files, 3 lines", "done:     2 commits, 4 updates")
	if a := f.about("--limit", "4"); strings.Contains(a.stdout, "older commits") {
		t.Errorf("nothing is left out of\n%s", a.stdout)
	}
}

// In a shallow clone the oldest commit there is has parents that are not there.
func TestShallowClone(t *testing.T) {
	f := history(t, 10, 20, 30, 40, 50)
	clone := filepath.Join(t.TempDir(), "clone")
	f.git("clone", "--quiet", "--depth", "3", "file://"+filepath.ToSlash(f.directory), clone)
	ask(t, "--repo", clone).mustReport(t, "3 commits along", "the clone is SHALLOW", "inserts its whole tree",
		"4 files, 4 lines", "done:     3 commits, 5 updates")
	ask(t, "--repo", clone, "--limit", "2").mustReport(t, "2 commits along", "older commits are left out (--limit)",
		"the clone is SHALLOW", "4 files, 4 lines")
	if a := f.about(); strings.Contains(a.stdout, "SHALLOW") {
		t.Errorf("this is no shallow clone:\n%s", a.stdout)
	}
}

// The same history is found from wherever a person may stand.
func TestWhereverItStands(t *testing.T) {
	f := history(t, 10, 20, 30)
	want := "2 files, 2 lines"
	t.Run("subdirectory", func(t *testing.T) {
		t.Chdir(f.path("files"))
		ask(t).mustReport(t, "branch main", want)
	})
	t.Run("bare", func(t *testing.T) {
		bare := filepath.Join(t.TempDir(), "bare")
		f.git("clone", "--quiet", "--bare", f.directory, bare)
		ask(t, "--repo", bare).mustReport(t, "branch main", want)
	})
	t.Run("linked work tree", func(t *testing.T) {
		tree := filepath.Join(t.TempDir(), "tree")
		f.git("worktree", "add", "--quiet", "-b", "other", tree)
		ask(t, "--repo", tree).mustReport(t, "branch other", want)
	})
	t.Run("submodule", func(t *testing.T) {
		outer := newFixture(t)
		outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f.directory, "inner")
		outer.commit(50)
		ask(t, "--repo", outer.path("inner")).mustReport(t, "branch main", want)
		outer.about().mustReport(t, "2 files, 3 lines") // .gitmodules, and the submodule
	})
	t.Run("environment of a hook", func(t *testing.T) {
		other := newFixture(t)
		t.Setenv("GIT_DIR", filepath.Join(f.directory, ".git"))
		t.Chdir(t.TempDir())
		ask(t).mustReport(t, "branch main", want)
		ask(t, "--repo", other.directory).mustFail(t, exitFailure, "no commits")
	})
	t.Run("detached", func(t *testing.T) {
		f.git("checkout", "--quiet", "--detach", "HEAD~1")
		f.about().mustReport(t, "HEAD (detached) at", "2 commits along", "1 file, 1 line")
	})
}

// A date is read when all of it is loaded, and no later date than there is.
func TestAsOf(t *testing.T) {
	f := history(t, 10, 86_400, 2*86_400)
	f.about("--as-of", "1970-01-01").mustReport(t, "1970-01-01 23:59:59 stays readable", "1 file, 1 line")
	f.about("--as-of", "1970-01-02").mustReport(t, "1970-01-02 23:59:59 stays readable", "2 files, 2 lines")
	f.about("--as-of", "2026-01-31").mustReport(t, "after the last commit", "1970-01-03 00:00:00 stays readable",
		"3 files, 3 lines", "can still be read")
	f.about("--as-of", "1970-01-01T00:00:09Z").mustFail(t, exitUsage, "before the first commit")
	f.about("--as-of", "1970-01-01", "--lag", "8760h").mustReport(t, "policy      the latest 365.0 days",
		"the policy is at before the history", "can still be read")
}

func TestFailsClearly(t *testing.T) {
	t.Run("no repository", func(t *testing.T) {
		newFixture(t) // there has to be a git to ask
		nowhere := t.TempDir()
		ask(t, "--repo", nowhere).mustFail(t, exitFailure, "no git repository that can be read at "+nowhere)
		ask(t, "--repo", filepath.Join(nowhere, "x")).mustFail(t, exitFailure, "no git repository that can be read")
		t.Chdir(nowhere)
		ask(t).mustFail(t, exitFailure, "no git repository that can be read in the current directory")
	})
	t.Run("empty repository", func(t *testing.T) {
		newFixture(t).about().mustFail(t, exitFailure, "has no commits yet")
	})
	t.Run("no git", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		ask(t).mustFail(t, exitFailure, "there is no git in the PATH")
	})
	t.Run("damaged repository", func(t *testing.T) {
		f := history(t, 10, 20)
		object := f.git("rev-parse", "HEAD:files/b")
		if err := os.Remove(f.path(".git/objects/" + object[:2] + "/" + object[2:])); err != nil {
			t.Fatal(err)
		}
		f.about().mustFail(t, exitFailure, `path "files/b": object `+object+": git does not have it")
	})
	t.Run("usage", func(t *testing.T) {
		ask(t, "--limit", "0").mustFail(t, exitUsage, "--limit 0")
		ask(t, "repository").mustFail(t, exitUsage, `unexpected argument "repository"`)
	})
}

// A collection stays where --dir says, and is not written over; otherwise it goes.
func TestDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := history(t, 10, 20, 30)
	directory := filepath.Join(t.TempDir(), "a", "store")
	f.about("--dir", directory).mustReport(t, "done:     3 commits, 3 updates")
	f.about("--dir", directory).mustFail(t, exitUsage, directory+": there is a collection already")
	f.about("--dir", f.directory).mustFail(t, exitUsage, f.directory+" has no store in it")
	f.about().mustReport(t, "done:     3 commits, 3 updates")
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%d temporary directories have stayed, %v", len(left), err)
	}
}

// The attributes that a person keeps for this clone alone make git take a text for a
// binary file, which the collection does not know: the check sees that they differ.
func TestMismatchIsAFailure(t *testing.T) {
	f := history(t, 10, 20)
	f.write(".git/info/attributes", "* -diff\n")
	f.about().mustFail(t, exitFailure, `MISMATCH at commit `+f.git("rev-parse", "HEAD~1")[:9]+
		`: the collection has 1 file, 1 line, git says 1 file, 0 lines; the first difference is at "files/a"`)
}

func TestHelp(t *testing.T) {
	ask(t, "-h").mustReport(t, "Usage: githistory", "-as-of date", "-dir directory", "-lag duration",
		"-limit n", "-repo directory", "-s3 URL",
		"Exit codes: 0 ok, 1 failure, 2 usage, 130 interrupted.")
}

// interrupter cancels as soon as a text is printed.
type interrupter struct {
	bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (i *interrupter) Write(data []byte) (int, error) {
	if bytes.Contains(data, []byte(i.text)) {
		i.cancel()
	}
	return i.Buffer.Write(data)
}

// An interrupt ends the command with one line, wherever it stands.
func TestInterrupt(t *testing.T) {
	f := history(t, 10, 20, 30, 40, 50, 60, 70, 80, 90)
	for _, text := range []string{"repository ", "1 of 9", "as of ", "8 of 9"} {
		ctx, cancel := context.WithCancel(t.Context())
		stdout := &interrupter{text: text, cancel: cancel}
		var stderr bytes.Buffer
		code := run(ctx, []string{"--repo", f.directory}, stdout, &stderr)
		answer{code, stdout.String(), stderr.String()}.mustFail(t, exitInterrupted, "interrupted with ")
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"--repo", f.directory}, &stdout, &stderr)
	answer{code, stdout.String(), stderr.String()}.mustFail(t, exitInterrupted, "interrupted with 0 commits loaded")
}

// Ctrl-C reaches git, too. If git is the first to end it is an interrupt all the
// same, while any other end of git is not.
func TestInterruptOfGitIsAnInterrupt(t *testing.T) {
	f := history(t, 10)
	for _, test := range []struct {
		signal os.Signal
		want   bool
	}{{os.Interrupt, true}, {os.Kill, false}} {
		counter, err := newLineCounter(t.Context(), f.open(t.Context()).git)
		if err != nil {
			t.Fatal(err)
		}
		defer counter.close()
		if err := counter.process.command.Process.Signal(test.signal); err != nil {
			t.Skipf("THIS SYSTEM CANNOT SEND %v, so what comes of it is not tested: %v", test.signal, err)
		}
		_, err = counter.lines(version{regular, id(t, idA)})
		if got := errors.Is(interruption(t.Context(), err, 0), errInterrupted); err == nil || got != test.want {
			t.Errorf("%v: error %v is taken for an interrupt: %t", test.signal, err, got)
		}
	}
}
