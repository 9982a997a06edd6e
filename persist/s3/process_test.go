package s3_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/enginetest"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// The variables that make the test binary a process that uses the engine: its role, the prefix, and
// what it has to know.
const (
	roleVariable        = "TIDEMARK_S3_TEST_ROLE"
	prefixVariable      = "TIDEMARK_S3_TEST_PREFIX"
	instructionVariable = "TIDEMARK_S3_TEST_INSTRUCTION"
)

// roles are those of three processes that share a shard. Only an append asks for batches to be
// merged; so the compactor appends as well, and the writer leaves them to it.
var roles = map[string]enginetest.Role{
	"writer":    {Writers: 2},
	"compactor": {Writers: 1, Audits: true, MovesSince: true, Sweeps: true},
	"reader":    {Audits: true},
}

// live uses the shard until it is killed.
func live(ctx context.Context, role string) error {
	server, found := s3test.FromEnvironment()
	if !found {
		return errors.New("the environment names no server")
	}
	rt := runtime.New(runtime.Options{Node: role})
	client, err := openEngine(ctx, rt, server, os.Getenv(prefixVariable), role)
	if err != nil {
		return err
	}
	return enginetest.Live(ctx, rt, client, roles[role], os.Getenv(instructionVariable))
}

func openEngine(
	ctx context.Context, rt *runtime.Runtime, server *s3test.Server, prefix, role string,
) (*persist.Client, error) {
	store, err := s3.Open(ctx, rt, server.Client(nil), server.Bucket, prefix, s3.Options{})
	if err != nil {
		return nil, err
	}
	config := enginetest.Config(time.Second)
	config.PartSize, config.InlineSizeMax = 1500, 300 // a request for each part
	if role == "writer" {
		config.CompactionsMax = -1
	}
	return persist.New(rt, store.Blob(), store.Consensus(), config)
}

// TestKilledProcesses protects what processes on many machines share in a bucket from the death of each
// of them at any moment: no append that was acknowledged is lost, none is there twice, every read
// is that of the model, nothing that is needed is deleted, and what is finalized leaves next to
// nothing. The processes share nothing else; what they acknowledge is noted by the test.
func TestKilledProcesses(t *testing.T) {
	server := s3test.Start(t)
	kills := processtest.Kills(t, enginetest.KillsVariable, 4)
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills of each of %d processes, seed %d", kills, len(roles), seed)
	k := &killer{server: server, prefix: server.Prefix(t), told: enginetest.NewWitness(), kills: kills}
	k.unfinished.Store(int32(len(roles)))
	var group sync.WaitGroup
	for role := range roles {
		random := rand.New(rand.NewPCG(seed, uint64(role[0])))
		group.Go(func() { k.killAll(t, random, role) })
	}
	group.Wait()
	if t.Failed() {
		return
	}
	rt := runtime.New(runtime.Options{})
	client, err := openEngine(t.Context(), rt, server, k.prefix, "")
	must(t, err)
	k.told.Finish(t, rt, client, rand.New(rand.NewPCG(seed, 0)))
}

// killer kills processes, and hears what they say.
type killer struct {
	server *s3test.Server
	prefix string
	told   *enginetest.Witness
	kills  int
	// unfinished is how many roles have been killed less often.
	unfinished atomic.Int32
}

// killAll starts a process in a role and kills it, again and again until each role has been killed often
// enough: so that all are at work at any time.
func (k *killer) killAll(t *testing.T, random *rand.Rand, role string) {
	span := processtest.Span{Lines: 100, Time: time.Second, Latest: 4 * time.Second}
	killed := 0
	for (killed < k.kills || k.unfinished.Load() > 0) && !t.Failed() {
		child := exec.Command(os.Args[0])
		child.Env = append(append(os.Environ(), k.server.Environment()...),
			roleVariable+"="+role, prefixVariable+"="+k.prefix, instructionVariable+"="+k.told.Instruct(random))
		child.Stderr = os.Stderr
		processtest.HearUntilKilled(t, random, child, span, func(line string) { k.told.Hear(t, line) })
		if killed++; killed == k.kills {
			k.unfinished.Add(-1)
		}
	}
	t.Logf("the %s was killed %d times", role, killed)
}
