package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain keeps the settings of whoever runs the tests out of them, git hooks
// included, and sees that no task outlives them.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GIT_") {
			must(os.Unsetenv(name))
		}
	}
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": os.TempDir(),
		"GIT_AUTHOR_NAME": "author", "GIT_AUTHOR_EMAIL": "author@example.com",
		"GIT_COMMITTER_NAME": "committer", "GIT_COMMITTER_EMAIL": "committer@example.com",
	} {
		must(os.Setenv(name, value))
	}
	goleak.VerifyTestMain(m)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// fixture is a git repository of a test.
type fixture struct {
	t         *testing.T
	directory string
}

// newFixture makes an empty repository. Without git there is nothing to test.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("THERE IS NO git IN THE PATH: what githistory does with repositories is not tested")
	}
	f := &fixture{t, filepath.Join(t.TempDir(), "repository")}
	if err := os.Mkdir(f.directory, 0o777); err != nil {
		t.Fatal(err)
	}
	f.git("init", "--quiet", "--initial-branch=main")
	f.git("config", "commit.gpgsign", "false")
	return f
}

// git runs git in the repository and returns what it prints, without the last end
// of line.
func (f *fixture) git(args ...string) string {
	f.t.Helper()
	return f.gitAt(0, args...)
}

// gitAt is git at a time, in seconds since the Unix epoch.
func (f *fixture) gitAt(seconds int64, args ...string) string {
	f.t.Helper()
	command := exec.Command("git", args...)
	command.Dir = f.directory
	date := fmt.Sprintf("@%d +0000", seconds)
	command.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, complaint.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (f *fixture) path(name string) string {
	return filepath.Join(f.directory, filepath.FromSlash(name))
}

// write writes a file, and makes the directories that it is in.
func (f *fixture) write(name, content string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o777); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(content), 0o666); err != nil {
		f.t.Fatal(err)
	}
}

// commit commits everything at a time, and returns the hash.
func (f *fixture) commit(seconds int64) string {
	f.t.Helper()
	f.git("add", "--all")
	return f.commitStaged(seconds)
}

// commitStaged commits what was staged, which may be nothing.
func (f *fixture) commitStaged(seconds int64) string {
	f.t.Helper()
	f.gitAt(seconds, "commit", "--quiet", "--allow-empty", "--message", "change")
	return f.git("rev-parse", "HEAD")
}

// answer is what the command came to.
type answer struct {
	code           int
	stdout, stderr string
}

// ask runs the command.
func ask(t *testing.T, args ...string) answer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &stdout, &stderr)
	return answer{code, stdout.String(), stderr.String()}
}

// about runs the command on the repository.
func (f *fixture) about(args ...string) answer {
	f.t.Helper()
	return ask(f.t, append([]string{"--repo", f.directory}, args...)...)
}

// mustReport fails the test unless the command went well and printed the texts, in
// their order.
func (a answer) mustReport(t *testing.T, texts ...string) {
	t.Helper()
	if a.code != exitOK || a.stderr != "" {
		t.Fatalf("exit code %d, on stderr %q; on stdout:\n%s", a.code, a.stderr, a.stdout)
	}
	rest := a.stdout
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Fatalf("%q is not, or not at its place, in:\n%s", text, a.stdout)
		}
		rest = after
	}
}

// mustFail fails the test unless the command ended with the code and one line on
// stderr that has the text in it.
func (a answer) mustFail(t *testing.T, code int, text string) {
	t.Helper()
	isOneLine := strings.HasPrefix(a.stderr, "githistory: ") && strings.Count(a.stderr, "\n") == 1
	if a.code != code || !isOneLine || !strings.Contains(a.stderr, text) {
		t.Fatalf("exit code %d, on stderr %q; want %d and one line with %q", a.code, a.stderr, code, text)
	}
}

// open opens the repository as the command does.
func (f *fixture) open(ctx context.Context) *repository {
	f.t.Helper()
	r, err := openRepository(ctx, f.directory)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}
