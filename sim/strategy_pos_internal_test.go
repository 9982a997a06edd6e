package sim

import (
	"math"
	"testing"
)

// TestDerivedPrioritiesAreFair protects the samples of POS: of the priorities that
// candidates derive from one number each is the highest equally often, and any three of
// them come in each of their orders equally often, within five standard deviations.
func TestDerivedPrioritiesAreFair(t *testing.T) {
	const candidates, rounds = 16, 60_000
	var won [candidates]int
	var orders [candidates][candidates][candidates]int
	drawn := chances(1)
	for range rounds {
		var priorities [candidates]uint64
		number, highest := drawn.next(), 0
		for i := range priorities {
			priorities[i] = derive(number, uint64(i))
			if priorities[i] > priorities[highest] {
				highest = i
			}
		}
		won[highest]++
		for i, x := range priorities {
			for j, y := range priorities {
				for k, z := range priorities {
					if x < y && y < z {
						orders[i][j][k]++
					}
				}
			}
		}
	}
	isFair := func(count int, share float64) bool {
		mean := rounds * share
		return math.Abs(float64(count)-mean) < 5*math.Sqrt(mean*(1-share))
	}
	for i, count := range won {
		if !isFair(count, 1.0/candidates) {
			t.Errorf("candidate %d was the highest %d times in %d", i, count, rounds)
		}
	}
	for i, x := range orders {
		for j, y := range x {
			for k, count := range y {
				if i != j && j != k && i != k && !isFair(count, 1.0/6) {
					t.Errorf("the order %d, %d, %d came %d times in %d", i, j, k, count, rounds)
				}
			}
		}
	}
}
