package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
)

// variety makes a history with everything that is known to be hard: removals,
// renames, copies, modes, links, submodules, binary files, files that become
// directories and back, paths that git quotes, merges, commits without changes,
// commit times that are equal or go backwards.
func variety(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.write("README", "one\ntwo\n")
	f.write("src/a.go", "package a\n")
	f.write("src/b.go", "package b\n\nfunc B() {}")
	f.commit(1_000)
	f.write("src/a.go", "package a\n\nvar A = 1\n") // a change, an addition
	f.write("docs/guide.md", "# Guide\n")
	f.commit(2_000)
	f.git("mv", "src/b.go", "src/renamed.go") // a rename, at an equal time
	f.commit(2_000)
	f.git("rm", "--quiet", "README") // a removal, at an earlier time
	f.commit(500)
	f.commitStaged(2_500) // nothing
	f.git("update-index", "--chmod=+x", "src/a.go")
	f.commitStaged(2_600) // a mode
	f.write("quo\"ted\tpath/lí ne\nend", "x\n")
	f.write(" leading space", "y")
	f.write(":colon", "z\n")
	f.write("image.png", "\x89PNG\x00\n\n\n")
	f.write("empty", "")
	f.write(".gitattributes", "*.md -diff\n*.png diff\n") // what git only shows otherwise
	f.commit(3_000)
	if err := os.Symlink("src/a.go", f.path("link")); err != nil {
		t.Fatal(err)
	}
	f.git("add", "--all")
	f.git("update-index", "--add", "--cacheinfo", "160000,"+idA+",module")
	f.commitStaged(4_000)
	branches(t, f)
	return f
}

// branches goes on with a merge, whose second parent is not part of the history, and
// one that changes nothing against its first.
func branches(t *testing.T, f *fixture) {
	t.Helper()
	f.git("checkout", "--quiet", "-b", "side")
	f.write("side/one", "1\n")
	f.commitAllBut("module", 4_500)
	f.write("side/two", "1\n2\n")
	f.commitAllBut("module", 4_600)
	f.git("checkout", "--quiet", "main")
	f.write("docs/guide.md", "# Guide\n\nMore.\n")
	f.commitAllBut("module", 5_000)
	f.gitAt(6_000, "merge", "--quiet", "--no-ff", "-m", "merge", "side")
	f.gitAt(6_500, "merge", "--quiet", "-s", "ours", "--no-ff", "-m", "ours", f.gitAt(6_200,
		"commit-tree", "-p", "side", "-m", "other", "HEAD~1^{tree}"))
	f.git("rm", "--quiet", "--cached", "link")
	if err := os.Remove(f.path("link")); err != nil {
		t.Fatal(err)
	}
	f.write("link", "src/a.go") // the same content, as a file
	f.git("rm", "--quiet", "docs/guide.md")
	f.write("docs", "a file that was a directory\n")
	f.write("empty", "not any more\n")
	f.commitAllBut("module", 7_000)
	f.git("rm", "--quiet", "docs", "--cached")
	if err := os.Remove(f.path("docs")); err != nil {
		t.Fatal(err)
	}
	f.write("docs/guide.md", "# Guide\n")
	f.git("update-index", "--cacheinfo", "160000,"+idB+",module")
	f.commitAllBut("module", 8_000)
}

// commitAllBut commits everything but what is not in the work tree on purpose.
func (f *fixture) commitAllBut(path string, seconds int64) {
	f.t.Helper()
	f.git("add", "--all", "--", ".", ":(exclude)"+path)
	f.commitStaged(seconds)
}

// load loads the whole history and keeps all of it readable.
func load(ctx context.Context, t *testing.T, r *repository, o options) *loader {
	t.Helper()
	commits, _, err := r.history(ctx, o.limit)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(commits, o)
	if err != nil {
		t.Fatal(err)
	}
	rt := runtime.New(runtime.Options{})
	c, err := openCollection(ctx, rt, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	l := newLoader(rt, r, p, c, newReport(rt, rt.Now(), p, new(bytes.Buffer)))
	l.isRead.Set(true)
	group := rt.NewGroup(ctx)
	group.Go("walk", l.walk)
	group.Go("load", l.load)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return l
}

// As of the time of each step, and up to the next, the collection has what git has
// in the last commit of the step, file by file.
func TestEveryCommitIsWhatGitSays(t *testing.T) {
	f := variety(t)
	for _, limit := range []int{1000, 5, 1} {
		l := load(t.Context(), t, f.open(t.Context()), options{limit: limit})
		if loaded, _ := l.loaded.Get(); loaded != min(limit, 13) {
			t.Errorf("limit %d: %d commits, want %d", limit, loaded, min(limit, 13))
		}
		for n, s := range l.plan.steps {
			c := l.plan.commits[s.last]
			want, err := l.repository.rowsOf(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, asOf := range []uint64{s.time, l.plan.upper(n) - 1} {
				got, err := l.collection.read(t.Context(), asOf)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, allowUnexported); diff != "" {
					t.Errorf("limit %d, as of %d, commit %s (-git +collection):\n%s", limit, asOf, c.short(), diff)
				}
			}
		}
	}
}

// What git says is known here, too: the figures are counted by hand.
func TestRowsOfKnownTree(t *testing.T) {
	f := variety(t)
	l := load(t.Context(), t, f.open(t.Context()), options{limit: 1000})
	got, err := l.collection.read(t.Context(), 4_000_000)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, r := range got {
		lines[r.path] = r.lines
	}
	want := map[string]int{
		" leading space": 1, ".gitattributes": 2, ":colon": 1, "docs/guide.md": 1, "empty": 0, "image.png": 0,
		"link": 0, "module": 0, "quo\"ted\tpath/lí ne\nend": 1, "src/a.go": 3, "src/renamed.go": 3,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("wrong lines (-want +got):\n%s", diff)
	}
	if first := got[7]; first.path != "module" || first.object.String() != idA {
		t.Errorf("the submodule is stored as %q at %v", first.path, first.object)
	}
}

// Before the first commit there is nothing, and the upper says that all is loaded.
func TestLoadedHistoryHasItsBounds(t *testing.T) {
	f := variety(t)
	l := load(t.Context(), t, f.open(t.Context()), options{limit: 1000})
	got, err := l.collection.read(t.Context(), 999_999)
	if err != nil || len(got) != 0 {
		t.Errorf("before the first commit: %v, error %v", got, err)
	}
	all, err := l.collection.controller.Frontiers(l.collection.id)
	if err != nil || all[0].Upper != frontier.At(8_000_001) {
		t.Errorf("frontiers %v, error %v; want the upper at 8000001", all, err)
	}
}

// A repository that uses SHA-256 has longer ids and another empty tree.
func TestSHA256(t *testing.T) {
	f := newFixture(t)
	f.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main", "other")
	f.directory = f.path("other")
	f.write("a", "1\n")
	if hash := f.commit(1); len(hash) != 64 {
		t.Fatalf("git has made a commit named %s", hash)
	}
	f.write("b", "1\n2\n")
	f.commit(2)
	f.about().mustReport(t, "2 commits", "checked:", "1 file, 1 line", "done:")
}

// The whole report on a history whose figures are known.
func TestRunReports(t *testing.T) {
	f := variety(t)
	hash := f.git("rev-parse", "HEAD~3")[:9]
	a := f.about("--as-of", "1970-01-01T01:40:01Z", "--lag", "100s") // as of 6001 s, after the merge
	a.mustReport(t,
		"repository  ", "branch main at "+f.git("rev-parse", "HEAD")[:9],
		"history     13 commits along first parents, at 11 times, 1970-01-01 00:16:40 to 1970-01-01 02:13:20 UTC",
		"policy      the latest 1m40s stay readable (--lag), in steps of 10s",
		"hold        1970-01-01 01:40:01 stays readable (--as-of), when commit "+hash+" is the latest",
		"\n1 of 13 ",
		"\nas of 1970-01-01 01:40:01 UTC, read after ",
		"\n    src/                      2            6\n",
		"    (top level)               7            4\n",
		"    side/                     2            3\n",
		"    docs/                     1            3\n",
		"    \"quo\\\"ted\\tpath/\"         1            1\n",
		"    total                    13           17\n",
		"\n13 of 13          1970-01-01 02:13:20  1970-01-01 02:11:40  1970-01-01 01:40:01\n",
		"held:     all is loaded, the policy is at 1970-01-01 02:11:40, and 1970-01-01 01:40:01 reads as before\n",
		"released: the durable since is at 1970-01-01 02:11:40, and 1970-01-01 01:40:01 is refused\n",
		"done:     13 commits, ",
	)
	a.mustReport(t, "checked:  git says of "+hash+": 13 files, 17 lines, the same file by file\n")
	if lines := strings.Count(a.stdout, "\n"); lines > 40 {
		t.Errorf("the report has %d lines", lines)
	}
}

// The attributes of the work tree make git show some files otherwise. Where somebody
// stands does not change what is counted.
func TestAttributesOfTheWorkTreeDoNotCount(t *testing.T) {
	f := variety(t)
	t.Chdir(f.directory)
	ask(t).mustReport(t, "checked:  git says of ")
}
