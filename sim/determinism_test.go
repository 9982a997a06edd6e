package sim_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

var update = flag.Bool("update", false, "write the files of testdata anew; hashes change only for a reason")

// childVariable turns the test binary into a program that prints hashes.
const childVariable = "TIDEMARK_SIM_HASHES"

// keptSeeds are the seeds whose hashes are kept.
var keptSeeds = []uint64{0, 1, 2, 42, 1 << 63}

// hashLine says what a run came to.
func hashLine(name string, r sim.Result) string {
	return fmt.Sprintf("%-10s %20d  %016x  %5d steps  %v\n", name, r.Seed, r.Hash, r.Steps, r.Verdict.Kind)
}

// hashLines executes the fixtures under the kept seeds.
func hashLines() string {
	var b strings.Builder
	for _, f := range fixtures {
		for _, seed := range keptSeeds {
			r, err := sim.Run(context.Background(), sim.Config{Seed: seed}, f.main)
			must(err)
			b.WriteString(hashLine(f.name, r))
		}
	}
	return b.String()
}

func printHashes() { fmt.Print(hashLines()) }

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); -update writes it anew:\n%s", path, diff)
	}
}

// TestHashesAreKept protects the meaning of seeds: over Go releases,
// architectures, the race detector and changes of the code they lead to the
// same runs. A change that moves them says so in the changelog.
func TestHashesAreKept(t *testing.T) { golden(t, "hashes.txt", hashLines()) }

// TestHashIsTheSameEachTime protects repetition within a process.
func TestHashIsTheSameEachTime(t *testing.T) {
	repetitions := 100
	if testing.Short() {
		repetitions = 20
	}
	for _, f := range fixtures {
		first := run(t, 7, f.main)
		for range repetitions {
			if again := run(t, 7, f.main); hashLine("", again) != hashLine("", first) {
				t.Fatalf("%s: first %s, then %s", f.name, hashLine("", first), hashLine("", again))
			}
		}
	}
}

// TestHashIsTheSameInOtherProcesses protects repetition on other machines: more
// or fewer processors, a collector that runs all the time or never, threads
// that are never preempted.
func TestHashIsTheSameInOtherProcesses(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := hashLines()
	for _, variant := range []string{
		"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=8", "GOGC=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1",
	} {
		child := exec.CommandContext(t.Context(), executable)
		child.Env = append(os.Environ(), childVariable+"=1", variant)
		got, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", variant, err, got)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-here +there):\n%s", variant, diff)
		}
	}
}

// TestOrderOfRunsDoesNotMatter protects seeds from each other: nothing is
// shared between worlds.
func TestOrderOfRunsDoesNotMatter(t *testing.T) {
	for _, f := range fixtures {
		const seeds = 20
		forwards := make([]uint64, seeds)
		for seed := range uint64(seeds) {
			forwards[seed] = run(t, seed, f.main).Hash
		}
		for seed := int64(seeds - 1); seed >= 0; seed-- {
			if got := run(t, uint64(seed), f.main).Hash; got != forwards[seed] {
				t.Errorf("%s, seed %d: %x, and %x after others", f.name, seed, forwards[seed], got)
			}
		}
	}
}

// TestWorldsRunInParallel protects sweeps: worlds on several goroutines, one of
// which is tied to its thread, do not disturb each other.
func TestWorldsRunInParallel(t *testing.T) {
	for _, f := range fixtures {
		const seeds = 32
		want := make([]uint64, seeds)
		for seed := range uint64(seeds) {
			want[seed] = run(t, seed, f.main).Hash
		}
		var all sync.WaitGroup
		for worker := range uint64(4) {
			all.Go(func() {
				if worker == 0 {
					goruntime.LockOSThread()
					defer goruntime.UnlockOSThread()
				}
				for seed := worker; seed < seeds; seed += 4 {
					r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, f.main)
					if err != nil || r.Hash != want[seed] {
						t.Errorf("%s, seed %d: error %v, hash %x, alone %x", f.name, seed, err, r.Hash, want[seed])
					}
				}
			})
		}
		all.Wait()
	}
}

// TestSeedsDiffer protects exploration from a seed that is ignored somewhere.
func TestSeedsDiffer(t *testing.T) {
	for _, f := range fixtures {
		hashes := make(map[uint64]uint64)
		for seed := range uint64(100) {
			h := run(t, seed, f.main).Hash
			if other, seen := hashes[h]; seen {
				t.Errorf("%s: seeds %d and %d have the same hash", f.name, other, seed)
			}
			hashes[h] = seed
		}
	}
}

// TestTraceDoesNotChangeTheRun protects stories from telling another run.
func TestTraceDoesNotChangeTheRun(t *testing.T) {
	for _, f := range fixtures {
		silent := run(t, 3, f.main)
		var text strings.Builder
		told := runWith(t, sim.Config{Seed: 3, Trace: storyTo(&text)}, f.main)
		if hashLine("", silent) != hashLine("", told) || text.Len() == 0 {
			t.Errorf("%s: silent %s, told %s", f.name, hashLine("", silent), hashLine("", told))
		}
	}
}

// TestOperationsAreThoseOfTheStory protects the summaries of shrunk runs: what they count
// can be counted in the story, is the same without one, and costs nothing otherwise.
func TestOperationsAreThoseOfTheStory(t *testing.T) {
	for _, f := range fixtures {
		var want uint64
		told := runWith(t, sim.Config{Seed: 3, Trace: func(e trace.Event) {
			if e.Kind == trace.Op {
				want++
			}
		}}, f.main)
		written := runWith(t, sim.Config{Seed: 3, Transcribe: true}, f.main)
		if want == 0 || told.Operations != want || written.Operations != want {
			t.Errorf("%s: %d operations told, %d written, want %d", f.name, told.Operations, written.Operations, want)
		}
		if plain := run(t, 3, f.main); plain.Operations != 0 {
			t.Errorf("%s: %d operations counted for nobody", f.name, plain.Operations)
		}
	}
}
