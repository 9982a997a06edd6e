package sim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// replay follows a tape and returns the verdict.
func replay(t testing.TB, tape *sim.Tape, main sim.Main) sim.Verdict {
	t.Helper()
	return runWith(t, sim.Config{Replay: tape}, main).Verdict
}

// withChoices is a copy of the tape with other choices.
func withChoices(tape *sim.Tape, choices []byte) *sim.Tape {
	other := *tape
	other.Choices = choices
	return &other
}

// TestReplayRepeatsTheRun protects artefacts of failures: a tape leads to the
// same verdict at the same step, whatever it was, without the strategy.
func TestReplayRepeatsTheRun(t *testing.T) {
	mains := map[string]sim.Main{
		"bustle": body(func(ctx context.Context, rt *runtime.Runtime) { must(bustle(ctx, rt)) }),
		"crowd":  body(crowd),
		"overdraft": body(func(ctx context.Context, rt *runtime.Runtime) {
			must(bustle(ctx, rt))
			rt.Always(rt.Choose("network", "here", 5) < 3, "luck")
		}),
		"panic": body(func(ctx context.Context, rt *runtime.Runtime) { must(bustle(ctx, rt)); panic("boom") }),
		"limit": body(spin),
	}
	for name, main := range mains {
		for seed := range uint64(5) {
			config := sim.Config{Seed: seed, StepsMax: 5000}
			first := runWith(t, config, main)
			config = sim.Config{Replay: first.Tape, StepsMax: 5000}
			second := runWith(t, config, main)
			if second.Verdict.String() != first.Verdict.String() || second.Verdict.Step != first.Verdict.Step {
				t.Errorf("%s, seed %d: first %v, then %v", name, seed, first.Verdict, second.Verdict)
			}
			if second.Hash != first.Hash || second.Seed != seed || !bytes.Equal(second.Tape.Choices, first.Tape.Choices) {
				t.Errorf("%s, seed %d: hashes %x and %x", name, seed, first.Hash, second.Hash)
			}
		}
	}
}

// crowd lets more tasks compete than fit into one byte of tape.
func crowd(ctx context.Context, rt *runtime.Runtime) {
	g, gate := rt.NewGroup(ctx), runtime.NewChan[int](rt, 0)
	for range 300 {
		g.Go("one", func(ctx context.Context) error {
			if _, err := gate.Recv(ctx); err != runtime.ErrClosed { //nolint:errorlint // Recv returns it unwrapped
				return err
			}
			return nil
		})
	}
	must(rt.Sleep(ctx, time.Second))
	gate.Close()
	must(g.Wait())
}

// TestTapeHoldsLargeChoices protects the encoding of choices among 128 and more.
func TestTapeHoldsLargeChoices(t *testing.T) {
	tape := run(t, 1, body(crowd)).Tape
	count, largest := 0, uint64(0)
	for rest := tape.Choices; len(rest) > 0; count++ {
		n, size := binary.Uvarint(rest)
		rest = rest[size:]
		_, size = binary.Uvarint(rest)
		rest = rest[size:]
		largest = max(largest, n)
	}
	if largest < 250 || count != tape.Len() {
		t.Errorf("the largest choice is among %d; %d choices, Len is %d", largest, count, tape.Len())
	}
}

// small is a run with choices of tasks and of the program.
func small(ctx context.Context, rt *runtime.Runtime) {
	rt.Go(ctx, "other", func(context.Context) error { rt.Yield(); rt.Yield(); return nil })
	rt.Yield()
	if rt.Choose("storage", "answer", 4) == 3 {
		rt.Yield()
	}
	rt.Yield()
}

// TestReplayIsStrict protects the search for nondeterminism: a run that does
// not follow its tape in any way ends as Diverged, and says where.
func TestReplayIsStrict(t *testing.T) {
	tape := run(t, 1, body(small)).Tape
	if v := replay(t, tape, body(small)); v.Kind != sim.OK {
		t.Fatalf("the tape itself: %v", v)
	}
	storage := bytes.Index(tape.Choices, []byte{4}) // the only choice among four
	change := func(i int, b byte) []byte {
		changed := bytes.Clone(tape.Choices)
		changed[i] = b
		return changed
	}
	longer := append(bytes.Clone(tape.Choices), 2, 0)
	otherHash := *tape
	otherHash.Hash++
	otherSeed := *tape
	otherSeed.Seed++
	const among2 = "among 2 (tasks and alarms)"
	tests := []struct {
		name string
		tape *sim.Tape
		main sim.Main
		want string
	}{
		{
			"empty", withChoices(tape, nil), body(small),
			"the tape ends after 0 choices, the run goes on with one " + among2,
		},
		{
			"too short", withChoices(tape, tape.Choices[:storage]), body(small),
			fmt.Sprintf("the tape ends after %d choices, the run goes on with one among 4 (storage answer)", storage/2),
		},
		{
			"too long", withChoices(tape, longer), body(small),
			fmt.Sprintf("the run made %d choices, the tape holds %d", tape.Len(), tape.Len()+1),
		},
		{"among more", withChoices(tape, change(0, 3)), body(small), "choice 0 is " + among2 + ", on the tape among 3"},
		{"among fewer", withChoices(tape, change(storage, 2)), body(small), "choice"},
		{"out of range", withChoices(tape, change(1, 2)), body(small), "choice 0 on the tape is damaged"},
		{"half a choice", withChoices(tape, tape.Choices[:1]), body(small), "choice 0 on the tape is damaged"},
		{"other hash", &otherHash, body(small), "the run has hash"},
		{"other seed", &otherSeed, body(small), "the run has hash"},
		{"other program", tape, body(crowd), "choice"},
		{"shorter program", tape, body(func(context.Context, *runtime.Runtime) {}), "the run made 0 choices"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := replay(t, test.tape, test.main)
			if v.Kind != sim.Diverged || !strings.HasPrefix(v.Message, test.want) || !v.Failed() {
				t.Errorf("%v %q, want it to begin with %q", v.Kind, v.Message, test.want)
			}
			if test.name == "too short" && (v.Task != "main" || v.Step == 0) {
				t.Errorf("in %q at step %d", v.Task, v.Step)
			}
		})
	}
}

// TestDivergedRunStopsAtOnce protects the world from going on with choices that
// nobody made.
func TestDivergedRunStopsAtOnce(t *testing.T) {
	for name, choose := range map[string]func(rt *runtime.Runtime){
		"decision": func(rt *runtime.Runtime) { rt.Yield() },
		"draw":     func(rt *runtime.Runtime) { rt.Choose("network", "here", 2) },
	} {
		v := replay(t, &sim.Tape{Seed: 1}, body(func(ctx context.Context, rt *runtime.Runtime) {
			if name == "decision" {
				rt.Go(ctx, "other", func(context.Context) error { t.Errorf("%s: the other task ran", name); return nil })
			}
			choose(rt)
			t.Errorf("%s: the task went on", name)
		}))
		if v.Kind != sim.Diverged {
			t.Errorf("%s: verdict %v", name, v)
		}
	}
}

// TestAnyChangeOfATapeIsNoticed protects strictness as a law: whatever choice
// is changed, dropped or added, the replay does not pass.
func TestAnyChangeOfATapeIsNoticed(t *testing.T) {
	main := body(func(ctx context.Context, rt *runtime.Runtime) { must(bustle(ctx, rt)) })
	tape := run(t, 1, main).Tape
	rapid.Check(t, func(rt *rapid.T) {
		at := 2 * rapid.IntRange(0, tape.Len()-1).Draw(rt, "choice")
		changed := bytes.Clone(tape.Choices)
		switch rapid.SampledFrom([]string{"pick", "drop", "double"}).Draw(rt, "change") {
		case "pick":
			n := changed[at]
			changed[at+1] = (changed[at+1] + byte(rapid.IntRange(1, int(n)-1).Draw(rt, "by"))) % n
		case "drop":
			changed = append(changed[:at], changed[at+2:]...)
		case "double":
			changed = append(changed[:at:at], tape.Choices[at-min(at, 2):]...)
		}
		if bytes.Equal(changed, tape.Choices) {
			return
		}
		if v := replay(t, withChoices(tape, changed), main); v.Kind != sim.Diverged {
			rt.Fatalf("verdict %v", v)
		}
	})
}

// TestInterruptedReplayHasNotDiverged protects people who press Ctrl-C from
// being told that their program is not deterministic.
func TestInterruptedReplayHasNotDiverged(t *testing.T) {
	main := body(func(ctx context.Context, rt *runtime.Runtime) { must(rt.Sleep(ctx, time.Second)); crowd(ctx, rt) })
	tape := run(t, 1, main).Tape
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := sim.Run(ctx, sim.Config{Replay: tape}, main)
	if err != nil || r.Verdict.Kind != sim.Inconclusive {
		t.Errorf("error %v, verdict %v", err, r.Verdict)
	}
}

// TestTapeHoldsItsConfiguration protects replays from limits and plans that nobody
// remembers: the tape brings them along.
func TestTapeHoldsItsConfiguration(t *testing.T) {
	plan, err := sim.ParsePlan("crash n1 at step 40 for 1h")
	must(err)
	main := func(ctx context.Context, w *sim.World) error {
		booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error { spin(nil, rt); return nil })
		must(w.Inject(w.Plan(func() sim.Plan { return sim.Plan{} }).Faults...))
		pass(ctx, w, time.Millisecond)
		spin(ctx, w.Runtime())
		return nil
	}
	first := runWith(t, sim.Config{Seed: 7, StepsMax: 3000, StepCost: time.Millisecond, Plan: &plan}, main)
	if first.Verdict.Kind != sim.Inconclusive {
		t.Fatal(first.Verdict)
	}
	data, err := first.Tape.MarshalBinary()
	must(err)
	var tape sim.Tape
	must(tape.UnmarshalBinary(data))
	second := runWith(t, sim.Config{Replay: &tape}, main)
	if second.Hash != first.Hash || second.Steps != first.Steps || second.Time != first.Time {
		t.Errorf("%v after %d steps and %v, then %v after %d and %v",
			first.Verdict, first.Steps, first.Time, second.Verdict, second.Steps, second.Time)
	}
}

// TestCheckpointsTellWhereAReplayLeft protects those who look for what is not under
// control: a difference that shows in the hash alone is narrowed down.
func TestCheckpointsTellWhereAReplayLeft(t *testing.T) {
	main := func(pause time.Duration) sim.Main {
		return body(func(ctx context.Context, rt *runtime.Runtime) {
			for i := range 10_000 {
				rt.Yield()
				if i == 5000 {
					must(rt.Sleep(ctx, pause)) // no choice, but a later alarm
				}
			}
		})
	}
	first := runWith(t, sim.Config{Seed: 1}, main(time.Second))
	if n := len(first.Tape.Checkpoints); n < 16 || n > 64 {
		t.Errorf("%d checkpoints", n)
	}
	v := replay(t, first.Tape, main(2*time.Second))
	var from, to uint64
	at := strings.Index(v.Message, "they part between")
	if at < 0 {
		t.Fatal(v)
	}
	if _, err := fmt.Sscanf(v.Message[at:], "they part between steps %d and %d", &from, &to); err != nil {
		t.Fatal(err, v)
	}
	if from > 5002 || to < 5000 || to-from > 1100 {
		t.Errorf("%v", v)
	}
}
