package runtimetest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime/runtimetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func repetitions() int {
	if testing.Short() {
		return 50
	}
	return 1000
}

// Plain Go stays inside what the cases allow: the declarations are true.
func TestNative(t *testing.T) { runtimetest.Run(t, runtimetest.Native(repetitions())) }

// A live runtime has Go's semantics.
func TestLive(t *testing.T) { runtimetest.Run(t, runtimetest.Live(repetitions())) }

// The primitives on a scheduler have Go's semantics, and a scheduler that
// draws reaches all of them.
func TestLottery(t *testing.T) {
	runtimetest.Run(t, runtimetest.Implementation{
		Execute: func(_ *testing.T, c runtimetest.Case, repetition int) string {
			return runLottery(c, uint64(repetition))
		},
		Repetitions: 500,
		Complete:    true,
		Scheduler:   true,
	})
}
