package sim_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// children are what the test binary does instead, by the variable of the environment
// that makes it the child of a test.
var children = map[string]func(value string){childVariable: func(string) { printHashes() }}

// TestMain protects against worlds that leave goroutines behind.
func TestMain(m *testing.M) {
	for variable, run := range children {
		if value := os.Getenv(variable); value != "" {
			run(value)
			return
		}
	}
	goleak.VerifyTestMain(m)
}

// run executes main under a seed.
func run(t testing.TB, seed uint64, main sim.Main) sim.Result {
	t.Helper()
	return runWith(t, sim.Config{Seed: seed}, main)
}

func runWith(t testing.TB, config sim.Config, main sim.Main) sim.Result {
	t.Helper()
	r, err := sim.Run(t.Context(), config, main)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// body is a main function that needs no world and returns no error.
func body(f func(ctx context.Context, rt *runtime.Runtime)) sim.Main {
	return func(ctx context.Context, w *sim.World) error {
		f(ctx, w.Runtime())
		return nil
	}
}

// wantOK executes main under each seed from 1 to seeds, and fails the test at
// the first verdict that is not ok.
func wantOK(t *testing.T, seeds uint64, main sim.Main) {
	t.Helper()
	for seed := uint64(1); seed <= seeds; seed++ {
		if r := run(t, seed, main); r.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v %v\n%s", seed, r.Verdict.Kind, r.Verdict.Message, story(t, sim.Config{Seed: seed}, main))
		}
	}
}

// wantKind executes main under seed 1 and returns its verdict, which must be of
// a kind.
func wantKind(t *testing.T, kind sim.VerdictKind, main sim.Main) sim.Verdict {
	t.Helper()
	r := run(t, 1, main)
	if r.Verdict.Kind != kind {
		t.Fatalf("verdict %v (%s), want %v", r.Verdict.Kind, r.Verdict.Message, kind)
	}
	return r.Verdict
}

// story executes main and returns what happened as text.
func story(t testing.TB, config sim.Config, main sim.Main) string {
	t.Helper()
	var text strings.Builder
	config.Trace = trace.NewStory(&text).Add
	runWith(t, config, main)
	return text.String()
}

// must ends the run on an error that a test does not expect.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// booted adds a node to the world and boots it.
func booted(w *sim.World, name string, boot sim.Boot) *sim.Node {
	n, err := w.Node(name, boot)
	must(err)
	must(n.Boot())
	return n
}

// pass lets some virtual time pass in the harness.
func pass(ctx context.Context, w *sim.World, d time.Duration) { must(w.Runtime().Sleep(ctx, d)) }

// forEver is a boot function that waits until it is stopped.
func forEver(ctx context.Context, rt *runtime.Runtime) error { return rt.Sleep(ctx, 1<<62) }

// stubborn is a boot function that does not stop when it is asked to.
func stubborn(_ context.Context, rt *runtime.Runtime) error {
	return rt.Sleep(context.Background(), 1<<62)
}
