package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Role is what a process does until it is killed.
type Role struct {
	// Writers is how many tasks append.
	Writers int
	// Audits says that it reads, and compares that with the model.
	Audits bool
	// MovesSince says that it moves the since while it audits.
	MovesSince bool
	// Sweeps says that it deletes the orphans of the dead.
	Sweeps bool
}

// What all processes know.
var (
	shard   = persist.ShardID{1}
	ownerID = persist.CriticalReaderID{1}
	opaque  = persist.Opaque{Codec: "epoch"}
)

// Config makes everything happen often. The lease is that of readers and writers.
func Config(lease time.Duration) persist.Config {
	return persist.Config{
		PartSize: 300, InlineSizeMax: 100, InlineTotalMax: 2000,
		RollupThreshold: 8, GCVersionsMin: 8, GCFallback: 200 * time.Millisecond,
		CompactionFanout: 3, CompactionFallback: 200 * time.Millisecond,
		WriterLease: lease, ReaderLease: lease,
		RetryMax: 50 * time.Millisecond, PollMax: 50 * time.Millisecond, SelfCheck: true,
	}
}

// process is a process that uses the shard until it is killed.
type process struct {
	role   Role
	client *persist.Client
	owner  *persist.Since
	model  *model // used by one task at a time
}

// Live checks what earlier processes have left, and says so; then it does what its role is, and says
// what comes of it, until it is killed or something is wrong. The instruction is one of
// [Witness.Instruct].
func Live(ctx context.Context, rt *runtime.Runtime, client *persist.Client, role Role, instruction string) error {
	var seed, acknowledged uint64
	if _, err := fmt.Sscan(instruction, &seed, &acknowledged); err != nil {
		return err
	}
	p, err := begin(ctx, client, role)
	if err != nil {
		return err
	}
	upper, err := p.checkAll(ctx, acknowledged, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return err
	}
	processtest.Say("checked", strconv.FormatUint(upper, 10))
	return p.work(ctx, rt, seed)
}

func begin(ctx context.Context, client *persist.Client, role Role) (*process, error) {
	owner, err := client.OpenSince(ctx, shard, ownerID, opaque, "owner")
	return &process{role: role, client: client, owner: owner, model: newModel()}, err
}

// work does all that the role says at the same time, without end.
func (p *process) work(ctx context.Context, rt *runtime.Runtime, seed uint64) error {
	group := rt.NewGroup(ctx)
	for i := range p.role.Writers {
		random := rand.New(rand.NewPCG(seed, 1+uint64(i)))
		group.Go("writer", func(ctx context.Context) error { return p.append(ctx, random) })
	}
	if p.role.Audits {
		group.Go("auditor", func(ctx context.Context) error { return p.audit(ctx, rand.New(rand.NewPCG(seed, 0))) })
	}
	if p.role.Sweeps {
		group.Go("sweeper", func(ctx context.Context) error { return p.sweep(ctx, rt) })
	}
	return group.Wait()
}
