package runtimetest

import (
	"context"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
)

// parallelism makes repetitions disturb one another, and lets those that wait
// for a timer wait together.
const parallelism = 8

// Native runs the plain Go of the cases.
func Native(repetitions int) Implementation {
	return Implementation{
		Execute:     func(_ *testing.T, c Case, _ int) string { return c.Native() },
		Repetitions: repetitions,
		Parallel:    parallelism,
		Plain:       true,
	}
}

// Live runs the cases on live runtimes, each as the body of a task.
func Live(repetitions int) Implementation {
	return Implementation{
		Execute:     executeLive,
		Repetitions: repetitions,
		Parallel:    parallelism,
	}
}

func executeLive(t *testing.T, c Case, repetition int) (outcome string) {
	rt := runtime.New(runtime.Options{Seed: uint64(repetition) + 1})
	task := rt.Go(context.Background(), "main", func(ctx context.Context) error {
		outcome = c.Body(ctx, rt)
		return nil
	})
	if err := task.Wait(context.Background()); err != nil {
		t.Errorf("%s: %v", c.Name, err)
	}
	return outcome
}
