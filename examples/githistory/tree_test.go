package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist"
)

// linesOfLength is a line counter for tests: as many lines as the first byte of the
// id says.
func linesOfLength(v version) (int, error) {
	if v.kind != regular {
		return 0, nil
	}
	return int(v.object[0]), nil
}

// trees are small, so that paths and contents often meet again.
func trees() *rapid.Generator[map[string]version] {
	return rapid.MapOfN(
		rapid.SampledFrom([]string{"a", "b", "dir/a", "dir/b", "c"}),
		rapid.Custom(func(t *rapid.T) version {
			return version{
				kind:   rapid.SampledFrom([]fileKind{regular, regular, symlink, submodule}).Draw(t, "kind"),
				object: objectID(strings.Repeat(rapid.SampledFrom([]string{"\x01", "\x02"}).Draw(t, "content"), 20)),
			}
		}), 0, 5)
}

// changesFrom is what git would say of two trees, modes that differ included.
func changesFrom(before, after map[string]version) (changes []change) {
	paths := slices.Sorted(maps.Keys(before))
	paths = slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(paths, maps.Keys(after)))))
	for _, path := range paths {
		if before[path] != after[path] {
			changes = append(changes, change{path, before[path], after[path]})
		}
	}
	return changes
}

// The twin looks at whole trees. Whatever the history, the updates up to a commit
// add up to its tree: each row once, and no others.
func TestUpdatesAddUpToTheTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, before := make(tree), map[string]version{}
		sums := map[string]int64{}
		for n, after := range rapid.SliceOfN(trees(), 1, 6).Draw(t, "history") {
			updates, err := files.apply(changesFrom(before, after), uint64(n), linesOfLength)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range updates {
				if u.Time != uint64(n) {
					t.Fatalf("an update of commit %d is at %d", n, u.Time)
				}
				sums[string(u.Row)] += u.Diff
			}
			maps.DeleteFunc(sums, func(_ string, sum int64) bool { return sum == 0 })
			want := map[string]int64{}
			for path, v := range after {
				lines, _ := linesOfLength(v)
				want[string(row{path, v.object, lines}.encode())] = 1
			}
			if diff := cmp.Diff(want, sums); diff != "" {
				t.Fatalf("after commit %d (-want +got):\n%s", n, diff)
			}
			before = after
		}
	})
}

func TestModeAloneChangesNothing(t *testing.T) {
	v := version{regular, objectID("\x05")}
	files := tree{"run": row{"run", v.object, 5}}
	updates, err := files.apply([]change{{"run", v, v}}, 7, linesOfLength)
	if err != nil || len(updates) != 0 {
		t.Errorf("updates %v, error %v; want none", updates, err)
	}
	link := version{symlink, v.object} // the same bytes, which are a link now
	updates, err = files.apply([]change{{"run", v, link}}, 8, linesOfLength)
	want := []persist.Update{
		{Row: row{"run", v.object, 5}.encode(), Time: 8, Diff: -1},
		{Row: row{"run", v.object, 0}.encode(), Time: 8, Diff: +1},
	}
	if diff := cmp.Diff(want, updates); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// Changes that do not follow from the tree would make rows with a multiplicity of
// 2 or -1; they are refused.
func TestApplyRefusesChangesOfAnotherTree(t *testing.T) {
	a, b := version{regular, objectID("\x01")}, version{regular, objectID("\x02")}
	for name, wrong := range map[string]change{
		"added twice":    {"a", version{}, b},
		"removed before": {"b", a, version{}},
		"other content":  {"a", b, a},
	} {
		files := tree{"a": row{"a", a.object, 1}}
		if updates, err := files.apply([]change{wrong}, 1, linesOfLength); err == nil {
			t.Errorf("%s: updates %v", name, updates)
		}
	}
}
