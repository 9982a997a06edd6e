package enginetest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
)

// updatesAt is what belongs to a time, whoever appends it: so that the contents of a
// shard are known from its upper alone. Every fifth time has many updates.
func updatesAt(time uint64) (updates []persist.Update) {
	random := rand.New(rand.NewPCG(time, 0))
	count := 1 + random.IntN(3)
	if time%5 == 0 {
		count = 20 + random.IntN(40)
	}
	for range count {
		row := fmt.Sprintf("row %02d %s", random.IntN(40), strings.Repeat("x", 20))
		updates = append(updates, persist.Update{Row: []byte(row), Time: time, Diff: int64(random.IntN(5)) - 1})
	}
	return updates
}

// updatesBetween is what belongs to the times from lower to before upper.
func updatesBetween(lower, upper uint64) (updates []persist.Update) {
	for time := lower; time < upper; time++ {
		updates = append(updates, updatesAt(time)...)
	}
	return updates
}

// model is what a shard has to hold. It begins with nothing at time 0.
type model struct {
	sums  map[string]int64 // of all times before until
	until uint64
}

func newModel() *model { return &model{sums: make(map[string]int64)} }

// advance forgets what times before another one looked like.
func (m *model) advance(to uint64) {
	for ; m.until < to; m.until++ {
		addUp(m.sums, updatesAt(m.until))
	}
}

func addUp(sums map[string]int64, updates []persist.Update) {
	for _, u := range updates {
		row := string(u.Row)
		if sums[row] += u.Diff; sums[row] == 0 {
			delete(sums, row)
		}
	}
}

// check compares what was read as of a time, which is not before what the model has
// advanced to.
func (m *model) check(asOf uint64, got []persist.Update) error {
	want := maps.Clone(m.sums)
	addUp(want, updatesBetween(m.until, asOf+1))
	for i, u := range got {
		switch {
		case i > 0 && bytes.Compare(got[i-1].Row, u.Row) >= 0:
			return fmt.Errorf("as of %d: rows are out of order, or one is there twice", asOf)
		case u.Time != asOf || want[string(u.Row)] != u.Diff:
			return fmt.Errorf("as of %d: %.6s is there %d times at %d, want %d",
				asOf, u.Row, u.Diff, u.Time, want[string(u.Row)])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("as of %d: %d rows, want %d", asOf, len(got), len(want))
	}
	return nil
}
