package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/shrink"
)

// server is something outside of every simulation, which counts how often it was asked.
type server struct{ calls atomic.Int64 }

// asks is a program of three tasks that ask the server twice each, and decide by what it
// answers.
func (s *server) asks(answer func(question string) ([]byte, error)) sim.Main {
	return func(ctx context.Context, w *sim.World) error {
		rt, order := w.Runtime(), ""
		mu, group := rt.NewMutex(), rt.NewGroup(ctx)
		for _, name := range []string{"a", "b", "c"} {
			group.Go(name, func(ctx context.Context) error {
				for i := range 2 {
					result, err := rt.External(ctx, "ask", func(context.Context) ([]byte, error) {
						s.calls.Add(1)
						return answer(fmt.Sprint(name, i))
					})
					mu.Lock()
					order += string(result)
					if err != nil {
						order += err.Error()
					}
					mu.Unlock()
					for range len(result) {
						rt.Yield()
					}
				}
				return nil
			})
		}
		must(group.Wait())
		rt.Always(!strings.HasSuffix(order, "a1"), "not-last", "order", order)
		return nil
	}
}

// echo answers with the question, and refuses one.
func echo(question string) ([]byte, error) {
	if question == "b1" {
		return nil, errors.New("refused")
	}
	return []byte(question), nil
}

// TestReplayAsksNobody protects artefacts of failures that involve the real world: the
// tape answers, also when it was stored, and the run is the same.
func TestReplayAsksNobody(t *testing.T) {
	for seed := range uint64(20) {
		var s server
		first := run(t, seed, s.asks(echo))
		if n := s.calls.Load(); n != 6 || len(first.Tape.Externals) != 6 {
			t.Fatalf("seed %d: %d calls, %d on the tape", seed, n, len(first.Tape.Externals))
		}
		stored := &sim.Tape{}
		must(stored.UnmarshalBinary(encode(t, first.Tape)))
		again := runWith(t, sim.Config{Replay: stored}, s.asks(echo))
		if again.Hash != first.Hash || again.Verdict.String() != first.Verdict.String() || s.calls.Load() != 6 {
			t.Errorf("seed %d: %v, then %v; %d calls", seed, first.Verdict, again.Verdict, s.calls.Load())
		}
		if diff := cmp.Diff(first.Tape.Externals, again.Tape.Externals); diff != "" {
			t.Errorf("seed %d: record (-first +again):\n%s", seed, diff)
		}
	}
}

// TestAScriptAnswersToo protects shrinking: a script, stored as well, answers what was
// asked in its run, and what nobody has asked before is asked for real.
func TestAScriptAnswersToo(t *testing.T) {
	var s server
	first := runWith(t, sim.Config{Seed: 3, Transcribe: true}, s.asks(echo))
	text, err := first.Script.MarshalText()
	must(err)
	script := &sim.Script{}
	must(script.UnmarshalText(text))
	again := runWith(t, sim.Config{Script: script}, s.asks(echo))
	if again.Hash != first.Hash || len(again.Left) != 0 || s.calls.Load() != 6 {
		t.Errorf("hash %016x, then %016x; left %v; %d calls", first.Hash, again.Hash, again.Left, s.calls.Load())
	}
	script.Externals = script.Externals[1:]
	if runWith(t, sim.Config{Script: script}, s.asks(echo)); s.calls.Load() != 7 {
		t.Errorf("%d calls, want one more", s.calls.Load())
	}
}

// TestShrinkingAsksNobody protects the world outside from a thousand candidates: they are
// answered from the record of the run that failed.
func TestShrinkingAsksNobody(t *testing.T) {
	var s server
	main, seed := s.asks(echo), uint64(0)
	failing := run(t, seed, main)
	for ; !failing.Verdict.Failed(); failing = run(t, seed, main) {
		seed++
	}
	asked := s.calls.Load()
	scenario := sim.Scenario{Name: "asks", Doc: "asks a server", Run: main}
	r, err := shrink.Run(t.Context(), scenario, sim.Config{Replay: failing.Tape}, shrink.Options{})
	if err != nil || r.Runs < 5 || len(r.Script.Externals) != 6 {
		t.Errorf("%v: %s, %d runs", err, r.Summary(), r.Runs)
	}
	if s.calls.Load() != asked {
		t.Errorf("%d calls while shrinking", s.calls.Load()-asked)
	}
}

// TestAnswersAreInTheHash protects the check for nondeterminism: a seed means the same
// run as long as the world outside says the same, and another one if it does not.
func TestAnswersAreInTheHash(t *testing.T) {
	var s server
	hash := func(answer func(string) ([]byte, error)) uint64 { return run(t, 1, s.asks(answer)).Hash }
	same := func(string) ([]byte, error) { return []byte("one"), nil }
	if a, b := hash(same), hash(same); a != b {
		t.Errorf("hashes %016x and %016x", a, b)
	}
	seen := make(map[uint64]string)
	for name, answer := range map[string]func(string) ([]byte, error){
		"one":      same,
		"two":      func(string) ([]byte, error) { return []byte("two"), nil },
		"error":    func(string) ([]byte, error) { return []byte("one"), errors.New("two") },
		"canceled": func(string) ([]byte, error) { return []byte("one"), context.Canceled },
	} {
		h := hash(answer)
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[h] = name
	}
}

// TestATapeWithoutTheAnswerDiverges protects replays from asking the world of today.
func TestATapeWithoutTheAnswerDiverges(t *testing.T) {
	var s server
	first := run(t, 1, s.asks(echo))
	tape := *first.Tape
	tape.Externals = tape.Externals[:3]
	v := replay(t, &tape, s.asks(echo))
	if v.Kind != sim.Diverged || !strings.Contains(v.Message, `no answer of external "ask", call`) || s.calls.Load() != 6 {
		t.Errorf("%v; %d calls", v, s.calls.Load())
	}
	left := runWith(t, sim.Config{Replay: &tape, LeaveAt: 1}, s.asks(echo))
	if left.Verdict.Kind == sim.Diverged || s.calls.Load() == 6 {
		t.Errorf("a tape that was left: %v; %d calls", left.Verdict, s.calls.Load())
	}
}

// TestErrorsFromOutside protects programs from behaving otherwise in a replay: an error
// has its text and whether it is one of the context's, and no more, in the first run too.
func TestErrorsFromOutside(t *testing.T) {
	mine := errors.New("mine")
	for _, test := range []struct {
		err, is error
	}{
		{fmt.Errorf("get: %w", context.Canceled), context.Canceled},
		{fmt.Errorf("get: %w", context.DeadlineExceeded), context.DeadlineExceeded},
		{fmt.Errorf("get: %w", mine), nil},
	} {
		main := body(func(ctx context.Context, rt *runtime.Runtime) {
			got, err := rt.External(ctx, "get", func(context.Context) ([]byte, error) { return []byte("half"), test.err })
			if string(got) != "half" || err == nil || err.Error() != test.err.Error() {
				t.Errorf("%q, %v; want %v", got, err, test.err)
			}
			for _, is := range []error{context.Canceled, context.DeadlineExceeded, mine} {
				if errors.Is(err, is) != (is == test.is) { //nolint:errorlint // that very one
					t.Errorf("%v is %v: %v", err, is, errors.Is(err, is))
				}
			}
		})
		tape := run(t, 1, main).Tape
		if v := replay(t, tape, main); v.Kind != sim.OK {
			t.Error(v)
		}
	}
}

// TestResultsAreCopies protects the record from whoever writes into what it got.
func TestResultsAreCopies(t *testing.T) {
	kept := []byte("kept")
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		got, err := rt.External(ctx, "get", func(context.Context) ([]byte, error) { return kept, nil })
		must(err)
		rt.Always(string(got) == "kept", "kept", "got", string(got))
		copy(got, "lost")
		empty, err := rt.External(ctx, "get", func(context.Context) ([]byte, error) { return []byte{}, nil })
		rt.Always(empty == nil && err == nil, "nil")
	})
	tape := run(t, 1, main).Tape
	for range 2 {
		if v := replay(t, tape, main); v.Kind != sim.OK || string(kept) != "kept" {
			t.Error(v, string(kept))
		}
	}
}

// TestTheRecordIsBounded protects memory and tapes: what does not fit is a typed error,
// in the replay as well, and a tape of more is not written.
func TestTheRecordIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves 200 MiB")
	}
	answer := bytes.Repeat([]byte("x"), sim.ExternalSizeMax/4-1000)
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		for i := range 6 {
			got, err := rt.External(ctx, "get", func(context.Context) ([]byte, error) { return answer, nil })
			if i < 4 != (err == nil) || errors.Is(err, runtime.ErrExternalSize) != (i >= 4) || i < 4 != (len(got) > 0) {
				t.Errorf("call %d: %d bytes, %v", i, len(got), err)
			}
		}
	})
	tape := run(t, 1, main).Tape
	if v := replay(t, tape, main); v.Kind != sim.OK {
		t.Error(v)
	}
	encode(t, tape)
	tape.Externals = append(tape.Externals, tape.Externals[0])
	if _, err := tape.MarshalBinary(); !errors.Is(err, sim.ErrTape) || !errors.Is(err, runtime.ErrExternalSize) {
		t.Errorf("a tape of more: %v", err)
	}
}
