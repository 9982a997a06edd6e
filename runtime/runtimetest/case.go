package runtimetest

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Case is one small program, and what it may end with.
type Case struct {
	// Name is the primitive and what is claimed about it: "chan/keeps-order".
	Name string
	// Allowed are all outcomes that Go's semantics permit.
	Allowed []string
	// Native is the program in plain Go.
	Native func() string
	// Body is the same program on a runtime, as the body of a task with the
	// context ctx. It returns when all its tasks have ended.
	Body func(ctx context.Context, rt *runtime.Runtime) string

	// NoNative says why there is no plain Go to compare with, if Native is nil.
	NoNative string
	// SchedulerOnly, if not empty, says why the case needs a scheduler, which
	// reports a deadlock or misuse as the outcome of that name.
	SchedulerOnly string
	// Racy, if not empty, says what the race detector would report about the
	// program. It runs without the detector, or under a scheduler.
	Racy string
}

// Cases returns all cases, in a fixed order.
func Cases() []Case {
	return slices.Concat(
		channelCases, channelTryCases, closeCases, channelContextCases, channelOrderCases,
		selectCases, selectDefaultCases, selectEdgeCases, selectClosedCases, selectTimerCases,
		mutexCases, rwmutexCases, condCases, condMisuseCases, waitGroupCases, onceCases, semaphoreCases,
		timerCases, timerStateCases, timerRaceCases,
		contextCases, contextStandardCases, contextEdgeCases, afterCancelCases,
		taskCases, endingCases, groupCases, watchCases, choiceCases,
	)
}

// The outcomes by which a scheduler reports the end of a run that cannot
// return. They are equal to the names of the simulator's verdicts.
const (
	Deadlock = "deadlock"
	Misuse   = "misuse"
)

// Reasons that several cases share.
const (
	blocksForEver = "a deadlock never ends without a scheduler"
	fatalError    = "Go answers with a fatal error, which ends the process"
	raceWithClose = "close and send are not synchronised"
)
