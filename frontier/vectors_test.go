package frontier_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// The vectors were computed by an independent program: they guard against a
// mistake that package frontier and its model have in common.

type vectors struct {
	Frontier []json.RawMessage
	Counts   []countsVector
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Frontier) != 50 || len(v.Counts) != 20 {
		t.Fatalf("got %d and %d vectors, want 50 and 20", len(v.Frontier), len(v.Counts))
	}
	return v
}

// frontierVector is over times as JSON has them: a number or a pair of numbers.
type frontierVector[J any] struct {
	A, B   []J
	T      J
	LE     bool `json:"a_le_b"`
	LT     bool `json:"a_lt_b"`
	EQ     bool `json:"eq"`
	Join   []J
	Meet   []J
	LETime bool `json:"a_le_t"`
	LTTime bool `json:"a_lt_t"`
	Insert struct {
		Changed bool
		Result  []J
	}
}

func TestVectorsOfFrontiers(t *testing.T) {
	fromNumber := func(n uint64) partial.Uint64 { return partial.Uint64(n) }
	fromPair := func(p [2]uint64) partial.Pair { return partial.Pair{First: p[0], Second: p[1]} }
	overPairs := 0
	for i, text := range readVectors(t).Frontier {
		number := strconv.Itoa(i)
		if json.Unmarshal(text, new(frontierVector[uint64])) != nil {
			overPairs++
			t.Run("model/"+number, func(t *testing.T) { testFrontierVector(t, model[partial.Pair](), text, fromPair) })
			continue
		}
		t.Run("specialised/"+number, func(t *testing.T) { testFrontierVector(t, specialised(), text, fromNumber) })
		t.Run("model/"+number, func(t *testing.T) { testFrontierVector(t, model[partial.Uint64](), text, fromNumber) })
	}
	expect(t, "vectors over pairs", overPairs, 30)
}

func testFrontierVector[T partial.Time[T], F, J any](t *testing.T, f algebra[T, F], text []byte, fromJSON func(J) T) {
	var v frontierVector[J]
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	times := func(encoded []J) []T {
		var times []T
		for _, e := range encoded {
			times = append(times, fromJSON(e))
		}
		return times
	}
	a, b, time := f.of(times(v.A)...), f.of(times(v.B)...), fromJSON(v.T)
	expect(t, "A <= B", f.lessEqual(a, b), v.LE)
	expect(t, "A < B", f.lessThan(a, b), v.LT)
	expect(t, "A == B", f.equal(a, b), v.EQ)
	expectTimes(t, "join", f.elements(f.join(a, b)), times(v.Join))
	expectTimes(t, "meet", f.elements(f.meet(a, b)), times(v.Meet))
	expect(t, "some element <= t", f.lessEqualTime(a, time), v.LETime)
	expect(t, "some element < t", f.lessThanTime(a, time), v.LTTime)
	result, changed := f.insert(a, time)
	expect(t, "insert: changed", changed, v.Insert.Changed)
	expectTimes(t, "insert: result", f.elements(result), times(v.Insert.Result))
}

type countsVector struct {
	Steps []struct {
		Batch, Changes [][2]int64
		Frontier       []partial.Uint64
	}
	FinalCounts [][2]int64 `json:"final_counts"`
}

func TestVectorsOfCounts(t *testing.T) {
	for i, v := range readVectors(t).Counts {
		number := strconv.Itoa(i)
		t.Run("specialised/"+number, func(t *testing.T) { testCountsVector(t, new(specialisedCounter), v) })
		t.Run("model/"+number, func(t *testing.T) { testCountsVector(t, new(modelCounter[partial.Uint64]), v) })
	}
}

func testCountsVector(t *testing.T, c counter[partial.Uint64], v countsVector) {
	changes := func(encoded [][2]int64) []partial.Change[partial.Uint64] {
		var changes []partial.Change[partial.Uint64]
		for _, e := range encoded {
			changes = append(changes, partial.Change[partial.Uint64]{Time: partial.Uint64(e[0]), Diff: e[1]})
		}
		return changes
	}
	for _, step := range v.Steps {
		expectChanges(t, "moved", c.apply(changes(step.Batch)...), changes(step.Changes))
		expectTimes(t, "frontier", c.frontier(), step.Frontier)
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
	}
	expectChanges(t, "final counts", c.counts(), changes(v.FinalCounts))
}
