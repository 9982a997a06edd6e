package mutation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// Options say how mutants are run.
type Options struct {
	// Root is the root of the module.
	Root string
	// Program is the import path of the program that sweeps. It has to have the
	// command line of cmd/simrun.
	Program string
	// SeedsMax is the budget of each scenario.
	SeedsMax int
	// RunMax is the real time that one sweep may take.
	RunMax time.Duration
	// StoryLast asks for so many last events of the failing run; 0 for none.
	StoryLast int
}

// Result is what became of a mutant.
type Result struct {
	Mutant Mutant
	// Killer is the scenario that failed, Failure in which way, and Seed the
	// first seed that did; Killer is empty if the mutant survived. [Nondeterminism] is a
	// failure, of a mutant that asks for repeats.
	Killer, Failure string
	Seed            uint64
	// Story is the end of the failing run, if that was asked for: it is run once
	// more, with the mutant, and told.
	Story string
	// Took is real time, that of the build included.
	Took time.Duration
}

// Run plants one mutant and sweeps its scenarios, in order, until one fails. The
// error says that nothing was proved: it wraps ErrMutant, or it is that of a
// context that ended, or of a folder that could not be made.
func Run(ctx context.Context, m Mutant, o Options) (Result, error) {
	start := time.Now()
	r := Result{Mutant: m}
	folder, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(folder)
	overlay, err := m.writeOverlay(o.Root, folder)
	if err != nil {
		return r, err
	}
	program := filepath.Join(folder, "program")
	switch err := build(ctx, o, program, "-overlay="+overlay); {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil:
		return r, fmt.Errorf("%w %s does not compile: %w", ErrMutant, m.Name, err)
	}
	for _, scenario := range m.Scenarios {
		failure, seed, err := sweep(ctx, program, scenario, folder, m.Repeats, o)
		switch {
		case ctx.Err() != nil:
			return r, ctx.Err()
		case err != nil:
			return r, fmt.Errorf("%w %s: %w", ErrMutant, m.Name, err)
		}
		if failure != "" {
			r.Killer, r.Failure, r.Seed = scenario, failure, seed
			break
		}
	}
	if r.Killer != "" && r.Failure != Nondeterminism && o.StoryLast > 0 {
		if r.Story, err = replay(ctx, program, r, o); err != nil {
			return r, fmt.Errorf("%w %s: %w", ErrMutant, m.Name, err)
		}
	}
	r.Took = time.Since(start)
	return r, ctx.Err()
}

// replay runs a failing seed once more and returns the end of its story. It is not
// shrunk, which may take long and, when time is up, ends differently each time.
func replay(ctx context.Context, program string, r Result, o Options) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.RunMax)
	defer cancel()
	seed := strconv.FormatUint(r.Seed, 10)
	last := strconv.Itoa(o.StoryLast)
	out, err := exec.CommandContext(ctx, program, "replay", r.Killer, "--seed", seed, "--last", last).Output()
	if !isFailedRun(err) {
		return "", fmt.Errorf("replay of %s, seed %s, does not fail again: %w\n%s", r.Killer, seed, err, out)
	}
	return string(out), nil
}

// isFailedRun reports whether a program has ended because a run has failed.
func isFailedRun(err error) bool { return exitCode(err) == 1 }

// exitCode returns that of a program that has ended with an error; 0 for other errors.
func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0
	}
	return exit.ExitCode()
}

// Baseline runs scenarios without a mutant on the same seeds. They have to pass.
func Baseline(ctx context.Context, scenarios []string, o Options) error {
	folder, err := os.MkdirTemp("", "baseline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "program")
	if err := build(ctx, o, program); err != nil {
		return err
	}
	for _, scenario := range scenarios {
		failure, seed, err := sweep(ctx, program, scenario, folder, false, o)
		switch {
		case err != nil:
			return err
		case failure != "":
			return fmt.Errorf("mutation: without any mutant %s fails with %s at seed %d", scenario, failure, seed)
		}
	}
	return nil
}

func build(ctx context.Context, o Options, program string, flags ...string) error {
	args := append([]string{"build", "-o", program}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, o.Program)...)
	cmd.Dir = o.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Nondeterminism is the failure of a seed whose two runs differ.
const Nondeterminism = "nondeterminism"

// exitDiffers is the exit code of a program that has found such a seed.
const exitDiffers = 4

var (
	repeatLine  = regexp.MustCompile(`(?m)^      seed ([0-9a-fx]+) does not repeat`)
	failureLine = regexp.MustCompile(`(?m)^FAIL  \S+: ([^\n]*)$`)
	seedLine    = regexp.MustCompile(`(?m)^  seed ([0-9a-fx]+),`)
)

// sweep runs one scenario, each seed twice if it has to repeat, and returns how and at which
// seed it failed first; an empty failure if it passed.
func sweep(
	ctx context.Context, program, scenario, folder string, repeats bool, o Options,
) (failure string, seed uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.RunMax)
	defer cancel()
	every := "0"
	if repeats {
		every = "1"
	}
	cmd := exec.CommandContext(ctx, program, "run", scenario, "--quiet", "--check-determinism", every, "--shrink", "0",
		"--seeds", "1-"+strconv.Itoa(o.SeedsMax), "--out", folder)
	out, err := cmd.Output()
	if where := repeatLine.FindSubmatch(out); repeats && where != nil && exitCode(err) == exitDiffers {
		seed, err = strconv.ParseUint(string(where[1]), 0, 64)
		return Nondeterminism, seed, err
	}
	switch {
	case ctx.Err() != nil:
		return "", 0, fmt.Errorf("%s: no end within %v", scenario, o.RunMax)
	case err == nil:
		return "", 0, nil
	case !isFailedRun(err):
		return "", 0, fmt.Errorf("%s: %w\n%s", scenario, err, out)
	}
	what, where := failureLine.FindSubmatch(out), seedLine.FindSubmatch(out)
	if what == nil || where == nil {
		return "", 0, fmt.Errorf("%s failed, and does not say how:\n%s", scenario, out)
	}
	seed, err = strconv.ParseUint(string(where[1]), 0, 64)
	return string(what[1]), seed, err
}
