package frontier

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/btree"
)

// Check is what simulations and tests rely on to see a broken structure: each
// thing it looks at must be able to fail. No call breaks one, so this test
// reaches inside.
func TestCheckSeesBrokenStructures(t *testing.T) {
	treeOf := func(times ...uint64) *btree.Map[uint64, int64] {
		tree := new(btree.Map[uint64, int64])
		for _, t := range times {
			tree.Set(t, 1)
		}
		return tree
	}
	inline := func(changes ...Change) entries {
		e := entries{inlineCount: len(changes)}
		copy(e.inline[:], changes)
		return e
	}
	for want, broken := range map[string]MutableAntichain{
		"time 3 after 3":                 {counts: inline(Change{3, 1}, Change{3, 1}), least: 3, isHeld: true},
		"time 2 after 3":                 {counts: inline(Change{3, 1}, Change{2, 1}), least: 3, isHeld: true},
		"no diff at time 3":              {counts: inline(Change{3, 0})},
		"9 entries inline":               {counts: entries{inlineCount: 9}},
		"-1 entries inline":              {counts: entries{inlineCount: -1}},
		"tree of 4 entries beside 0":     {counts: entries{tree: treeOf(1, 2, 3, 4)}, least: 1, isHeld: true},
		"tree of 5 entries beside 1":     {counts: entries{tree: treeOf(1, 2, 3, 4, 5), inlineCount: 1}, isHeld: true},
		"frontier {} is not that of":     {counts: inline(Change{3, 1})},
		"frontier {5} is not that of":    {counts: inline(Change{3, 1}, Change{5, 1}), least: 5, isHeld: true},
		"frontier {3} is not that of []": {least: 3, isHeld: true},
		"frontier {} is not that of []":  {least: 3},
	} {
		err := broken.Check()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
		if batch := (ChangeBatch{sums: broken.counts}); !strings.Contains(want, "frontier") && batch.Check() == nil {
			t.Errorf("%s: not seen in a batch", want)
		}
	}
	intact := MutableAntichain{counts: inline(Change{2, -1}, Change{3, 1}), least: 3, isHeld: true}
	if err := intact.Check(); err != nil {
		t.Error(err)
	}
}

// A frontier that moves on must not visit again what it left behind. No result
// shows that, only the time it takes.
func TestIterationStartsWhereItIsTold(t *testing.T) {
	for _, size := range []uint64{8, 100} {
		var e entries
		for time := range size {
			e.set(10*time, 1)
		}
		for _, from := range []uint64{0, 41, 50, 10 * (size - 1), 10 * size} {
			var got, want []uint64
			for time := range e.from(from) {
				if got = append(got, time); len(got) == 2 {
					break
				}
			}
			for time := (from + 9) / 10 * 10; time < 10*size && len(want) < 2; time += 10 {
				want = append(want, time)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d entries from %d: got %v, want %v", size, from, got, want)
			}
		}
	}
}
