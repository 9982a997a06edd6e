package sim

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAlarmsComeInOrder protects the clock: the heap gives alarms in order of
// time, and of setting among equal times, whatever is taken out in between. The
// slow twin is a sorted slice.
func TestAlarmsComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var heap alarms
		var twin []*alarm
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				a := &alarm{at: rapid.Int64Range(0, 20).Draw(t, "at"), index: notPending}
				heap.push(a)
				i, _ := slices.BinarySearchFunc(twin, a, func(x, y *alarm) int {
					if x.before(y) {
						return -1
					}
					return 1
				})
				twin = slices.Insert(twin, i, a)
			},
			"remove": func(t *rapid.T) {
				if len(twin) == 0 {
					t.Skip("empty")
				}
				i := rapid.IntRange(0, len(twin)-1).Draw(t, "place")
				heap.remove(twin[i])
				if twin[i].index != notPending {
					t.Fatalf("a removed alarm has the index %d", twin[i].index)
				}
				twin = slices.Delete(twin, i, i+1)
			},
			"": func(t *rapid.T) {
				if len(heap.heap) != len(twin) || len(twin) > 0 && heap.heap[0] != twin[0] {
					t.Fatalf("%d alarms, want %d; or the first one is another", len(heap.heap), len(twin))
				}
				for i, a := range heap.heap {
					if a.index != i {
						t.Fatalf("alarm %d believes that it is at %d", i, a.index)
					}
				}
			},
		})
	})
}
