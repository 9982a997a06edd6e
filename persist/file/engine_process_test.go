package file_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/enginetest"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

// engineConfig is that of all processes: leases end soon after whoever had them.
var engineConfig = enginetest.Config(300 * time.Millisecond)

// liveEngine uses the shard in a directory, for which it does everything, until it is killed.
func liveEngine(directory, instruction string) error {
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), engineConfig)
	if err != nil {
		return err
	}
	role := enginetest.Role{Writers: 2, Audits: true, MovesSince: true}
	return enginetest.Live(context.Background(), rt, client, role, instruction)
}

// TestKilledEngines protects what the engine promises over a durable store from the
// death of its process at any moment: no append that was acknowledged is lost, none is
// there twice, every read is that of the model, nothing that is needed is deleted; and
// what is finalized leaves one object and two versions, but for orphans of the dead.
func TestKilledEngines(t *testing.T) {
	kills := processtest.Kills(t, enginetest.KillsVariable, 10)
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	told, span := enginetest.NewWitness(), processtest.Span{Lines: 300, Time: 700 * time.Millisecond}
	directory := filepath.Join(t.TempDir(), "store")
	for range kills {
		child := process("engine", directory, told.Instruct(random))
		processtest.HearUntilKilled(t, random, child, span, func(line string) { told.Hear(t, line) })
		if t.Failed() {
			return
		}
	}
	store, rt, err := open(directory)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), engineConfig)
	must(t, err)
	told.Finish(t, rt, client, random)
}
