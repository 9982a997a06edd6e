package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// busy is a program with much to choose: tasks, a lock, draws, a node with faults.
func busy(extra int) sim.Main {
	return func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			for range 50 {
				rt.Choose("storage", "disk", 3)
				rt.Yield()
			}
			return nil
		})
		must(w.Inject(sim.Fault{Kind: sim.FaultCrash, Target: n.Name(), Step: 40}, sim.Fault{Kind: sim.FaultPause, Target: n.Name(), Step: 90}))
		mu, order := rt.NewMutex(), ""
		group := rt.NewGroup(ctx)
		for _, name := range []string{"a", "b", "c"} {
			group.Go(name, func(context.Context) error {
				for range 5 + extra {
					mu.Lock()
					rt.Choose("storage", "queue", 4)
					order += name
					mu.Unlock()
				}
				return nil
			})
		}
		_ = group.Wait()
		rt.Always(strings.Count(order, "ab") < 2, "not-twice", "order", order)
		return nil
	}
}

// TestAScriptRepeatsItsRun protects shrinking and replay: whatever a run did out of
// the ordinary, followed, gives the same run, of the same script.
func TestAScriptRepeatsItsRun(t *testing.T) {
	for seed := range uint64(200) {
		first := runWith(t, sim.Config{Seed: seed, Transcribe: true}, busy(0))
		again := runWith(t, sim.Config{Script: first.Script, Transcribe: true}, busy(0))
		if again.Hash != first.Hash || len(again.Left) != 0 {
			t.Fatalf("seed %d: hash %016x, then %016x; left %v", seed, first.Hash, again.Hash, again.Left)
		}
		if diff := cmp.Diff(first.Script, again.Script); diff != "" {
			t.Fatalf("seed %d: script (-first +again):\n%s", seed, diff)
		}
		plain := runWith(t, sim.Config{Seed: seed}, busy(0))
		if plain.Hash != first.Hash {
			t.Fatalf("seed %d: writing the script down changes the run", seed)
		}
	}
}

// TestAScriptSurvivesAChange protects work on a failing program: after an edit that
// adds scheduling points, the script of a failure is followed as far as it fits and
// says what did not.
func TestAScriptSurvivesAChange(t *testing.T) {
	repeated, skewed := 0, 0
	for seed := range uint64(100) {
		first := runWith(t, sim.Config{Seed: seed, Transcribe: true}, busy(0))
		if !first.Verdict.Failed() {
			continue
		}
		again := runWith(t, sim.Config{Script: first.Script}, busy(2))
		if again.Verdict.FailureID() == first.Verdict.FailureID() {
			repeated++
		}
		if len(again.Left) > 0 {
			skewed++
		}
	}
	if repeated < 10 || skewed == 0 {
		t.Errorf("%d failures repeated after the change, %d with something that did not fit", repeated, skewed)
	}
}

// TestScriptsAsText protects files: what is written is read, anything else refused.
func TestScriptsAsText(t *testing.T) {
	kinds := []sim.DeviationKind{sim.Preemption, sim.Order, sim.Drawn, sim.Delivered}
	rapid.Check(t, func(t *rapid.T) {
		s := &sim.Script{
			Scenario: rapid.String().Draw(t, "scenario"), Seed: rapid.Uint64().Draw(t, "seed"),
			Failure: rapid.String().Draw(t, "failure"),
		}
		for range rapid.IntRange(0, 5).Draw(t, "deviations") {
			d := sim.Deviation{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Task: rapid.String().Draw(t, "task"),
				Point: rapid.Uint64().Draw(t, "point"),
			}
			switch d.Kind {
			case sim.Drawn:
				d.Of = rapid.IntRange(2, 100).Draw(t, "of")
				d.Pick, d.Site = rapid.IntRange(1, d.Of-1).Draw(t, "pick"), "storage x"
			case sim.Delivered:
				d.Site = "crash n1 at step 4 for 1s"
			default:
				d.To, d.Round = "main/a", rapid.IntRange(0, 9).Draw(t, "round")
			}
			s.Deviations = append(s.Deviations, d)
		}
		data, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		read := new(sim.Script)
		if err := read.UnmarshalText(data); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(s, read); diff != "" {
			t.Fatal(diff)
		}
	})
	for name, text := range map[string]string{
		"nothing": "", "no script": `{"scenario":"x"}`, "the future": `{"tidemark-script":99}`, "a list": "[]",
		"a kind":  `{"tidemark-script":1,"deviations":[{"kind":"nap"}]}`,
		"nobody":  `{"tidemark-script":1,"deviations":[{"kind":"order"}]}`,
		"a draw":  `{"tidemark-script":1,"deviations":[{"kind":"drawn","site":"x y","pick":3,"of":3}]}`,
		"a fault": `{"tidemark-script":1,"deviations":[{"kind":"fault"}]}`,
		"a call":  `{"tidemark-script":1,"externals":[{"name":"x","kind":"shrug","count":1}]}`,
	} {
		s := &sim.Script{Scenario: "before"}
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, sim.ErrScript) || s.Scenario != "before" {
			t.Errorf("%s: error %v, script %+v", name, err, s)
		}
	}
	if _, err := sim.ReadScript("no/such/file.json"); !errors.Is(err, sim.ErrScript) {
		t.Errorf("no file: error %v", err)
	}
}

// FuzzScript protects readers of files from anybody.
func FuzzScript(f *testing.F) {
	f.Add([]byte(`{"tidemark-script":1,"scenario":"x","deviations":[{"kind":"order","to":"main"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := new(sim.Script)
		if err := s.UnmarshalText(data); err != nil {
			return
		}
		if _, err := s.MarshalText(); err != nil {
			t.Fatal(err)
		}
	})
}
