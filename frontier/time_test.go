package frontier_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// Arithmetic on times is that of the integers, with a clear answer wherever the
// result is no time.
func TestTimeArithmeticNeverWraps(t *testing.T) {
	last := new(big.Int).SetUint64(frontier.MaxTime)
	rapid.Check(t, func(t *rapid.T) {
		a, b := frontiertest.Time().Draw(t, "a"), frontiertest.Time().Draw(t, "b")
		bigA, bigB := new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)
		sum, difference := new(big.Int).Add(bigA, bigB), new(big.Int).Sub(bigA, bigB)

		wantSum, sumOK := sum.Uint64(), sum.IsUint64()
		if !sumOK {
			wantSum = 0
		}
		if got, ok := frontier.CheckedAdd(a, b); got != wantSum || ok != sumOK {
			t.Fatalf("CheckedAdd: got %d, %t, want %d, %t", got, ok, wantSum, sumOK)
		}
		if !sumOK {
			wantSum = last.Uint64()
		}
		if got := frontier.SaturatingAdd(a, b); got != wantSum {
			t.Fatalf("SaturatingAdd: got %d, want %d", got, wantSum)
		}
		var wantDifference uint64
		if difference.Sign() >= 0 {
			wantDifference = difference.Uint64()
		}
		if got, ok := frontier.CheckedSub(a, b); got != wantDifference || ok != (difference.Sign() >= 0) {
			t.Fatalf("CheckedSub: got %d, %t, want %v", got, ok, difference)
		}
		if got := frontier.SaturatingSub(a, b); got != wantDifference {
			t.Fatalf("SaturatingSub: got %d, want %d", got, wantDifference)
		}
	})
}

func TestStepsEndAtTheFirstAndTheLastTime(t *testing.T) {
	for _, step := range []struct {
		of               uint64
		next, previous   uint64
		hasNext, hasPrev bool
	}{
		{of: 0, next: 1, hasNext: true},
		{of: 1, next: 2, hasNext: true, previous: 0, hasPrev: true},
		{of: frontier.MaxTime - 1, next: frontier.MaxTime, hasNext: true, previous: frontier.MaxTime - 2, hasPrev: true},
		{of: frontier.MaxTime, previous: frontier.MaxTime - 1, hasPrev: true},
	} {
		if next, ok := frontier.StepForward(step.of); next != step.next || ok != step.hasNext {
			t.Errorf("after %d: got %d, %t", step.of, next, ok)
		}
		if previous, ok := frontier.StepBack(step.of); previous != step.previous || ok != step.hasPrev {
			t.Errorf("before %d: got %d, %t", step.of, previous, ok)
		}
	}
}
