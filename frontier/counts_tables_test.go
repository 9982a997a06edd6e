package frontier_test

import (
	"strconv"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// The tables of this file define change batches and counted times case by case,
// for package frontier and for the model.

var changeBatchTable = []struct{ pushes, drained string }{
	{"", ""},
	{"17:+1", "17:+1"},
	{"17:+1, 17:-1", ""},
	{"3:+1, 1:+2, 3:-1", "1:+2"},
	{"3:+1, 1:+2, 3:+1", "1:+2, 3:+2"},
	{"9:+1, 4:-1, 9:-2, 4:+1", "9:-1"},
	{"7:+0", ""}, // a zero diff is nothing, also when it is alone
	{"7:+0, 8:+1", "8:+1"},
	{"7:+1, 7:-1, 7:+1", "7:+1"},
}

func TestTableChangeBatch(t *testing.T) {
	for _, row := range changeBatchTable {
		t.Run(row.pushes, func(t *testing.T) {
			var batch frontier.ChangeBatch
			var modelBatch partial.ChangeBatch[partial.Uint64]
			for _, change := range parseChanges[partial.Uint64](row.pushes) {
				must(batch.Update(uint64(change.Time), change.Diff))
				modelBatch.Update(change.Time, change.Diff)
			}
			drained := parseChanges[partial.Uint64](row.drained)
			expect(t, "specialised: is empty", batch.IsEmpty(), len(drained) == 0)
			expect(t, "model: is empty", modelBatch.IsEmpty(), len(drained) == 0)
			expectChanges(t, "specialised: drained", collect(batch.Drain()), drained)
			expectChanges(t, "model: drained", modelBatch.Drain(), drained)
			expect(t, "specialised: is empty after draining", batch.IsEmpty(), true)
			expect(t, "model: is empty after draining", modelBatch.IsEmpty(), true)
		})
	}
}

// mutableAntichainRow starts from counts with a frontier and applies a batch.
// Whether that needs a rebuild concerns the model alone: package frontier never
// rebuilds.
type mutableAntichainRow struct {
	number                              int
	counts, before, batch, moved, after string
	rebuild                             bool
}

var mutableAntichainTable = []mutableAntichainRow{
	{1, "", "{}", "1:+1", "1:+1", "{1}", T},
	{2, "1:+1", "{1}", "1:-1, 2:+7", "1:-1, 2:+1", "{2}", T},
	{3, "2:+7", "{2}", "2:-6", "", "{2}", T},
	{4, "2:+1", "{2}", "2:-1", "2:-1", "{}", T},
	{5, "", "{}", "5:+1", "5:+1", "{5}", T},
	{6, "5:+1", "{5}", "7:+1", "", "{5}", F},
	{7, "5:+1, 7:+1", "{5}", "5:-1", "5:-1, 7:+1", "{7}", T},
	{8, "7:+1", "{7}", "7:-1", "7:-1", "{}", T},
	{9, "", "{}", "5:+1", "5:+1", "{5}", T},
	{10, "5:+1", "{5}", "5:+1", "", "{5}", T},
	{11, "5:+2", "{5}", "5:-1", "", "{5}", T},
	{12, "5:+1", "{5}", "5:-1, 9:+1", "5:-1, 9:+1", "{9}", T},
	{13, "", "{}", "5:+1", "5:+1", "{5}", T},
	{14, "5:+1", "{5}", "3:-1", "", "{5}", F},
	{15, "3:-1, 5:+1", "{5}", "3:+1", "", "{5}", T},
	{16, "5:+1", "{5}", "3:+1", "3:+1, 5:-1", "{3}", T},
	{17, "3:+1, 5:+1", "{3}", "3:-1", "3:-1, 5:+1", "{5}", T},
	{18, "", "{}", "5:+1", "5:+1", "{5}", T},
	{19, "5:+1", "{5}", "5:-1, 5:+1", "", "{5}", T},
	{20, "5:+1", "{5}", "5:-1, 8:+1, 6:+1", "5:-1, 6:+1", "{6}", T},
	{21, "", "{}", "(1,2):+1, (2,1):+1", "(1,2):+1, (2,1):+1", "{(1,2), (2,1)}", T},
	{
		22, "(1,2):+1, (2,1):+1", "{(1,2), (2,1)}", "(1,2):-1, (1,3):+1",
		"(1,2):-1, (1,3):+1", "{(1,3), (2,1)}", T,
	},
	{
		23, "(1,3):+1, (2,1):+1", "{(1,3), (2,1)}", "(2,1):-1, (2,2):+1",
		"(2,1):-1, (2,2):+1", "{(1,3), (2,2)}", T,
	},
	{24, "(1,3):+1, (2,2):+1", "{(1,3), (2,2)}", "(1,3):-1", "(1,3):-1", "{(2,2)}", T},
	{25, "(2,2):+1", "{(2,2)}", "(2,2):-1", "(2,2):-1", "{}", T},
	{26, "", "{}", "4:+3, 4:-2, 6:+1", "4:+1", "{4}", T},
	{27, "4:+1, 6:+1", "{4}", "4:-1", "4:-1, 6:+1", "{6}", T},
	{28, "6:+1", "{6}", "6:+1", "", "{6}", T},
	{29, "6:+2", "{6}", "6:-2", "6:-1", "{}", T},
}

func TestTableMutableAntichain(t *testing.T) {
	for _, row := range mutableAntichainTable {
		number := strconv.Itoa(row.number)
		if isOverPairs(row.batch) {
			t.Run("model/"+number, func(t *testing.T) { testModelMutableAntichain[partial.Pair](t, row) })
			continue
		}
		t.Run("specialised/"+number, func(t *testing.T) { testMutableAntichain(t, new(specialisedCounter), row) })
		t.Run("model/"+number, func(t *testing.T) { testModelMutableAntichain[partial.Uint64](t, row) })
	}
}

func testModelMutableAntichain[T partial.Time[T]](t *testing.T, row mutableAntichainRow) {
	var c modelCounter[T]
	testMutableAntichain(t, &c, row)
	want := 0
	if row.counts != "" {
		want++
	}
	if row.rebuild {
		want++
	}
	expect(t, "rebuilds", c.antichain.Rebuilds(), want)
}

func testMutableAntichain[T partial.Time[T]](t *testing.T, c counter[T], row mutableAntichainRow) {
	c.apply(parseChanges[T](row.counts)...)
	expectChanges(t, "counts before", c.counts(), parseChanges[T](row.counts))
	expectTimes(t, "frontier before", c.frontier(), parseTimes[T](row.before))
	expectChanges(t, "moved", c.apply(parseChanges[T](row.batch)...), parseChanges[T](row.moved))
	expectTimes(t, "frontier after", c.frontier(), parseTimes[T](row.after))
	if err := c.check(); err != nil {
		t.Error(err)
	}
}

// A batch of holds that come and go at one time for a long while must not leave
// anything behind: the model is allowed 32 entries, package frontier what there
// is to count.
func TestTableLongRun(t *testing.T) {
	var antichain frontier.MutableAntichain
	var modelAntichain partial.MutableAntichain[partial.Uint64]
	update := func(time uint64, diff int64) {
		_, err := antichain.Update(time, diff)
		must(err)
		modelAntichain.Apply(partial.Change[partial.Uint64]{Time: partial.Uint64(time), Diff: diff})
		if antichain.Len() > 3 {
			t.Fatalf("specialised: %d entries", antichain.Len())
		}
		if modelAntichain.Stored() > 32 {
			t.Fatalf("model: %d entries", modelAntichain.Stored())
		}
	}
	for range 6 {
		update(7, +1)
	}
	for range 5 {
		update(8, +1)
	}
	for range 1000 {
		update(9, +1)
		update(9, -1)
	}
	expect(t, "specialised: frontier", antichain.Frontier(), frontier.At(7))
	expectTimes(t, "model: frontier", modelAntichain.Frontier().Elements(), parseTimes[partial.Uint64]("{7}"))
	for time, count := range map[uint64]int64{7: 6, 8: 5, 9: 0} {
		expect(t, "specialised: count", antichain.Count(time), count)
		expect(t, "model: count", modelAntichain.Count(partial.Uint64(time)), count)
	}
}
