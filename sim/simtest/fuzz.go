package simtest

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// fuzzSeeds is how many random runs a fuzz test starts from.
const fuzzSeeds = 10

// fuzzShrinkMax is the real time for shrinking while the Go tool makes an input smaller
// itself: it asks again and again.
const fuzzShrinkMax = time.Second

// Fuzz runs body under go test -fuzz. An input is the seed of runtime.Rand's streams, and
// bytes that the choices are taken from, see [sim.FromBytes]; the first ones are random
// runs of the seeds from 1 on, which a plain go test does too. Body and the end of
// a run count for coverage, so the fuzzer finds its way to interleavings that do
// something new. An input that fails is kept by the Go tool under testdata/fuzz.
//
//	func FuzzNoOverdraft(f *testing.F) {
//		simtest.Fuzz(f, func(ctx context.Context, rt *runtime.Runtime) { ... })
//	}
func Fuzz(f *testing.F, body Body) {
	f.Helper()
	FuzzWorld(f, body.main())
}

// FuzzWorld is Fuzz for a test that acts on the world: nodes, faults, time.
func FuzzWorld(f *testing.F, main sim.Main) {
	f.Helper()
	s, err := settingsOf(testing.Short())
	if err != nil {
		f.Fatal(err)
	}
	for seed := uint64(1); seed <= fuzzSeeds; seed++ {
		r, err := sim.Run(f.Context(), sim.Config{Seed: seed, Strategy: s.config.Strategy, Plan: s.config.Plan}, main)
		if err != nil {
			f.Fatal(err)
		}
		if r.Tape != nil {
			f.Add(seed, r.Tape.Bytes())
		}
	}
	in := testPackage()
	isFuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	if isFuzzing {
		s.shrink = min(s.shrink, fuzzShrinkMax)
	}
	f.Fuzz(func(t *testing.T, seed uint64, choices []byte) {
		t.Helper()
		r := &runner{t: t, settings: s, scenario: sim.Scenario{Name: t.Name(), Run: main}, jobs: 1}
		config := sim.Config{Seed: seed, Strategy: sim.FromBytes(choices), Plan: s.config.Plan}
		result := r.run(config)
		if r.hasFailed(result) {
			again := ""
			if !isFuzzing { // then the Go tool tells
				again = command(result, in, t.Name()) + s.again
			}
			fmt.Fprintln(t.Output(), r.describe(config, result, telling{place: "from an input of bytes", again: again}))
			t.FailNow()
		}
	})
}
