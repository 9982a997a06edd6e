package file_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// engineRoundsVariable says how often TestKilledEngines kills, if not 10 times.
const engineRoundsVariable = "TIDEMARK_ENGINE_TEST_KILLS"

// TestKilledEngines protects what the engine promises over a durable store from the
// death of its process at any moment: no append that was acknowledged is lost, none is
// there twice, every read is that of the model, nothing that is needed is deleted; and
// what is finalized leaves one object and two versions, but for orphans of the dead.
func TestKilledEngines(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	if text := os.Getenv(engineRoundsVariable); text != "" {
		var err error
		rounds, err = strconv.Atoi(text)
		must(t, err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", rounds, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	told := &engineWitness{tried: make(map[uint64]map[uint64]bool), acknowledged: make(map[uint64]uint64)}
	directory := filepath.Join(t.TempDir(), "store")
	for range rounds {
		told.killOne(t, random, directory)
		if t.Failed() {
			return
		}
	}
	finishEngine(t, directory, told, random)
}

// engineWitness is what processes have said, over all of their lives.
type engineWitness struct {
	tried        map[uint64]map[uint64]bool // bounds of appends that were begun
	acknowledged map[uint64]uint64          // of those that have succeeded
	upper        uint64                     // the greatest acknowledged
	// checks, reads and expired count what processes have done besides, and how often
	// a reader was too slow for its lease.
	checks, reads, expired int
}

// killOne starts a process and kills it after some time, or so many lines.
func (e *engineWitness) killOne(t *testing.T, random *rand.Rand, directory string) {
	t.Helper()
	child := process(t, "engine", directory, fmt.Sprintf("%d %d", random.Uint64(), e.upper))
	hearUntilKilled(t, random, child, 300, 700*time.Millisecond, func(line string) { e.hear(t, line) })
}

func (e *engineWitness) hear(t *testing.T, line string) {
	t.Helper()
	word, rest, _ := strings.Cut(line, "\t")
	var lower, upper uint64
	if word == "try" || word == "acknowledged" {
		if _, err := fmt.Sscan(rest, &lower, &upper); err != nil {
			t.Fatalf("the process says %q", line)
		}
	}
	switch word {
	case "checked":
		e.checks++
	case "read":
		e.reads++
	case "expired":
		e.expired++
	case "try":
		if e.tried[lower] == nil {
			e.tried[lower] = make(map[uint64]bool)
		}
		e.tried[lower][upper] = true
	case "acknowledged":
		if other, twice := e.acknowledged[lower]; twice {
			t.Errorf("appends from %d to %d and to %d were acknowledged", lower, other, upper)
		}
		e.acknowledged[lower] = upper
		e.upper = max(e.upper, upper)
	default:
		t.Fatalf("the process says %q", line)
	}
}

// checkAppends makes sure that the appends that were acknowledged, and at most one that
// was not in each place between them, lead to an upper. It returns how many those were.
func (e *engineWitness) checkAppends(t *testing.T, upper uint64) (unclear int) {
	t.Helper()
	acknowledged := 0
	var lead func(from uint64) bool
	lead = func(from uint64) bool {
		if to, ok := e.acknowledged[from]; ok {
			if lead(to) {
				acknowledged++
				return true
			}
			return false
		}
		for to := range e.tried[from] {
			if from < upper && !e.hasAcknowledged(from, to) && lead(to) {
				unclear++
				return true
			}
		}
		return from == upper
	}
	if !lead(0) || acknowledged < len(e.acknowledged) {
		t.Errorf("%d acknowledged appends do not lead to %d", len(e.acknowledged), upper)
	}
	return unclear
}

// hasAcknowledged reports whether an append that was acknowledged begins in an interval:
// then none that was not has that interval.
func (e *engineWitness) hasAcknowledged(lower, upper uint64) bool {
	for time := lower; time < upper; time++ {
		if _, ok := e.acknowledged[time]; ok {
			return true
		}
	}
	return false
}

// finishEngine checks the shard from this process, brings it to its end, and looks at
// what is left.
func finishEngine(t *testing.T, directory string, told *engineWitness, random *rand.Rand) {
	t.Helper()
	store, rt, err := open(directory)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	p, err := openEngine(t.Context(), store.Blob(rt), store.Consensus(rt), rt)
	must(t, err)
	defer p.client.Close()
	upper, err := p.checkAll(t.Context(), told.upper, random)
	must(t, err)
	unclear := told.checkAppends(t, upper)
	usage, err := p.usage(t.Context())
	must(t, err)
	appends := len(told.acknowledged) + unclear
	t.Logf("%d appends acknowledged, %d unclear; %d checks, %d further reads as the model says, %d readers too slow",
		len(told.acknowledged), unclear, told.checks, told.reads, told.expired)
	t.Logf("%d batches merged into %d; log from %v to %v; %+v current, %+v older, %+v unreferenced",
		appends, len(usage.Newest.Batches), usage.Earliest, usage.Newest.SeqNo,
		usage.Current, usage.Older, usage.Unreferenced)

	p.finalize(t, rt)
	usage, err = p.usage(t.Context())
	must(t, err)
	versions := usage.Newest.SeqNo - usage.Earliest + 1
	if !usage.Newest.IsFinalized || usage.Current.Objects != 1 || usage.Older.Objects != 0 || versions > 2 {
		t.Errorf("what is left of a finalized shard: %+v", usage)
	}
	t.Logf("left: %d versions, %d rollup, %d orphans of %d bytes",
		versions, usage.Current.Objects, usage.Unreferenced.Objects, usage.Unreferenced.Bytes)
}

// finalize closes a shard, waits until the leases of the dead have run out, and gives
// up its contents.
func (p *engineProcess) finalize(t *testing.T, rt *runtime.Runtime) {
	t.Helper()
	w, err := p.client.OpenWriter(t.Context(), engineShard, persist.WriterOptions{Purpose: "end"})
	must(t, err)
	must(t, w.AdvanceUpper(t.Context(), frontier.Empty()))
	shard, err := p.client.OpenShard(t.Context(), engineShard)
	must(t, err)
	for deadline := rt.Now().Add(time.Minute); ; {
		_, err := p.owner.CompareAndDowngrade(t.Context(), engineOpaque, engineOpaque, frontier.Empty())
		must(t, err)
		err = shard.Finalize(t.Context())
		var open *persist.NotClosedError
		if !errors.As(err, &open) {
			must(t, err)
			return
		}
		if rt.Now().After(deadline) {
			t.Fatalf("not closed within a minute: %v", err)
		}
		must(t, rt.Sleep(t.Context(), 50*time.Millisecond))
	}
}
