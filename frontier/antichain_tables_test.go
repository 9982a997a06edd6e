package frontier_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// The tables of this file define the algebra of frontiers case by case. Rows
// over uint64 run against package frontier and against the model, rows over
// pairs against the model alone.

const (
	T = true
	F = false
)

type orderRow struct {
	a, b                              string
	lessEqual, lessThan, greaterEqual bool
	join, meet                        string
}

var totalOrderTable = []orderRow{
	{"{}", "{}", T, F, T, "{}", "{}"},
	{"{}", "{0}", F, F, T, "{}", "{0}"},
	{"{0}", "{}", T, T, F, "{}", "{0}"},
	{"{0}", "{0}", T, F, T, "{0}", "{0}"},
	{"{3}", "{5}", T, T, F, "{5}", "{3}"},
	{"{5}", "{3}", F, F, T, "{5}", "{3}"},
	{"{5}", "{5}", T, F, T, "{5}", "{5}"},
	{"{MAX}", "{}", T, T, F, "{}", "{MAX}"},
	{"{}", "{MAX}", F, F, T, "{}", "{MAX}"},
	{"{0}", "{MAX}", T, T, F, "{MAX}", "{0}"},
}

var partialOrderTable = []orderRow{
	{"{(3,7)}", "{(4,6)}", F, F, F, "{(4,7)}", "{(3,7), (4,6)}"},
	{"{(3,7), (5,6)}", "{(4,6)}", F, F, F, "{(4,7), (5,6)}", "{(3,7), (4,6)}"},
	{"{(1,1)}", "{(1,2), (2,1)}", T, T, F, "{(1,2), (2,1)}", "{(1,1)}"},
	{"{(1,2), (2,1)}", "{(1,1)}", F, F, T, "{(1,2), (2,1)}", "{(1,1)}"},
	{"{(1,2), (2,1)}", "{(2,2)}", T, T, F, "{(2,2)}", "{(1,2), (2,1)}"},
	{"{(1,2), (2,1)}", "{(2,1), (1,2)}", T, F, T, "{(1,2), (2,1)}", "{(1,2), (2,1)}"},
	{"{(0,5), (5,0)}", "{(3,3)}", F, F, F, "{(3,5), (5,3)}", "{(0,5), (5,0), (3,3)}"},
	{"{(0,5), (5,0)}", "{(5,5)}", T, T, F, "{(5,5)}", "{(0,5), (5,0)}"},
	{"{(0,5), (5,0)}", "{}", T, T, F, "{}", "{(0,5), (5,0)}"},
	{"{(1,2)}", "{(2,1)}", F, F, F, "{(2,2)}", "{(1,2), (2,1)}"},
	{"{(0,3), (1,2), (2,1), (3,0)}", "{(1,1)}", F, F, F, "{(1,2), (2,1)}", "{(0,3), (3,0), (1,1)}"},
}

func TestTableTotalOrder(t *testing.T) {
	for _, row := range totalOrderTable {
		t.Run("specialised/"+row.a+row.b, func(t *testing.T) { testOrder(t, specialised(), row) })
		t.Run("model/"+row.a+row.b, func(t *testing.T) { testOrder(t, model[partial.Uint64](), row) })
	}
}

func TestTablePartialOrder(t *testing.T) {
	for _, row := range partialOrderTable {
		t.Run("model/"+row.a+row.b, func(t *testing.T) { testOrder(t, model[partial.Pair](), row) })
	}
}

func testOrder[T partial.Time[T], F any](t *testing.T, f algebra[T, F], row orderRow) {
	a, b := f.of(parseTimes[T](row.a)...), f.of(parseTimes[T](row.b)...)
	expect(t, "A <= B", f.lessEqual(a, b), row.lessEqual)
	expect(t, "A < B", f.lessThan(a, b), row.lessThan)
	expect(t, "A == B", f.equal(a, b), row.lessEqual && row.greaterEqual)
	expect(t, "B <= A", f.lessEqual(b, a), row.greaterEqual)
	expectTimes(t, "join", f.elements(f.join(a, b)), parseTimes[T](row.join))
	expectTimes(t, "meet", f.elements(f.meet(a, b)), parseTimes[T](row.meet))
}

type insertRow struct {
	start, times string
	changed      bool
	result       string
}

var insertTable = []insertRow{
	{"{}", "4", T, "{4}"},
	{"{4}", "4", F, "{4}"},
	{"{4}", "7", F, "{4}"},
	{"{4}", "1", T, "{1}"},
	{"{(3,7)}", "(4,6)", T, "{(3,7), (4,6)}"},
	{"{(3,7), (4,6)}", "(4,7)", F, "{(3,7), (4,6)}"},
	{"{(3,7), (4,6)}", "(3,6)", T, "{(3,6)}"},
	{"{(3,7), (4,6)}", "(0,0)", T, "{(0,0)}"},
	{"{(3,7), (4,6)}", "(9,0)", T, "{(3,7), (4,6), (9,0)}"},
}

var extendTable = []insertRow{
	{"{}", "3", T, "{3}"},
	{"{3}", "2, 5", T, "{2}"},
	{"{2}", "3, 4", F, "{2}"},
	{"{}", "(1,5), (2,4), (2,5), (0,9)", T, "{(1,5), (2,4), (0,9)}"},
}

func TestTableInsert(t *testing.T) { testInsertTable(t, insertTable) }

func TestTableExtend(t *testing.T) { testInsertTable(t, extendTable) }

func testInsertTable(t *testing.T, table []insertRow) {
	for _, row := range table {
		name := row.start + "+" + row.times
		if isOverPairs(row.result) {
			t.Run("model/"+name, func(t *testing.T) { testInsert(t, model[partial.Pair](), row) })
			continue
		}
		t.Run("specialised/"+name, func(t *testing.T) { testInsert(t, specialised(), row) })
		t.Run("model/"+name, func(t *testing.T) { testInsert(t, model[partial.Uint64](), row) })
	}
}

func testInsert[T partial.Time[T], F any](t *testing.T, f algebra[T, F], row insertRow) {
	result, changed := f.insert(f.of(parseTimes[T](row.start)...), parseTimes[T](row.times)...)
	expect(t, "changed", changed, row.changed)
	expectTimes(t, "result", f.elements(result), parseTimes[T](row.result))
}

type againstTimeRow struct {
	a, time             string
	lessEqual, lessThan bool
}

var againstTimeTable = []againstTimeRow{
	{"{}", "0", F, F},
	{"{}", "MAX", F, F},
	{"{2}", "1", F, F},
	{"{2}", "2", T, F},
	{"{2}", "3", T, T},
	{"{0}", "0", T, F},
	{"{(1,2), (2,1)}", "(1,1)", F, F},
	{"{(1,2), (2,1)}", "(1,2)", T, F},
	{"{(1,2), (2,1)}", "(1,3)", T, T},
	{"{(1,2), (2,1)}", "(2,2)", T, T},
	{"{(1,2), (2,1)}", "(0,9)", F, F},
}

func TestTableFrontierAgainstTime(t *testing.T) {
	for _, row := range againstTimeTable {
		name := row.a + row.time
		if isOverPairs(row.time) {
			t.Run("model/"+name, func(t *testing.T) { testAgainstTime(t, model[partial.Pair](), row) })
			continue
		}
		t.Run("specialised/"+name, func(t *testing.T) { testAgainstTime(t, specialised(), row) })
		t.Run("model/"+name, func(t *testing.T) { testAgainstTime(t, model[partial.Uint64](), row) })
	}
}

func testAgainstTime[T partial.Time[T], F any](t *testing.T, f algebra[T, F], row againstTimeRow) {
	a, time := f.of(parseTimes[T](row.a)...), parseTime[T](row.time)
	expect(t, "some element <= t", f.lessEqualTime(a, time), row.lessEqual)
	expect(t, "some element < t", f.lessThanTime(a, time), row.lessThan)
}

type advanceRow struct{ time, a, advanced string }

var advanceTable = []advanceRow{
	{"(3,7)", "{(4,8), (5,3)}", "(4,7)"},
	{"(0,0)", "{(4,8), (5,3)}", "(4,3)"},
	{"(9,9)", "{(4,8), (5,3)}", "(9,9)"},
	{"(3,7)", "{}", "(3,7)"},
	{"3", "{5}", "5"},
	{"7", "{5}", "7"},
	{"5", "{5}", "5"},
	{"3", "{}", "3"},
}

func TestTableAdvanceTimeByFrontier(t *testing.T) {
	for _, row := range advanceTable {
		name := row.time + row.a
		if isOverPairs(row.time) {
			t.Run("model/"+name, func(t *testing.T) { testAdvance(t, model[partial.Pair](), row) })
			continue
		}
		t.Run("specialised/"+name, func(t *testing.T) { testAdvance(t, specialised(), row) })
		t.Run("model/"+name, func(t *testing.T) { testAdvance(t, model[partial.Uint64](), row) })
	}
}

func testAdvance[T partial.Time[T], F any](t *testing.T, f algebra[T, F], row advanceRow) {
	advanced := f.advanceTime(f.of(parseTimes[T](row.a)...), parseTime[T](row.time))
	expect(t, "advanced", advanced, parseTime[T](row.advanced))
}
