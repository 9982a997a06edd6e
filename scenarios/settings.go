package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// objectRules are what may happen to calls about objects beyond storageRules: effects that
// come late, also to what has been deleted.
var objectRules = []string{"set late 1/%d", "set duplicate 1/%d", "delete late 1/%d", "delete fail-after 1/%d"}

// listRule lets others write in the middle of a listing.
const listRule = "list slow 1/%d 2s"

// Settings lets many writers contend while their settings change.
func Settings() sim.Scenario {
	rules := append(slices.Concat(storageRules, objectRules), listRule)
	return sim.Scenario{
		Name: "settings",
		Doc: "several writers in each process contend for one shard while the settings of their clients change under them," +
			" keys included; each append happens once, as it was answered, every read agrees, and no row is in the clear" +
			" where all encrypt",
		Run:    inWorld(func(ctx context.Context, w simulated) error { return settings(ctx, w, rules) }),
		Faults: kindNames(storeFaults, rules...),
		Goals: []string{
			"append-succeeded", "append-mismatched", "append-cancelled", "snapshot-read", "settings-changed", "swept",
			"encrypted", "contended", "usage-told",
		},
	}
}

// settingsWorld is a shard whose clients are configured anew.
type settingsWorld struct {
	*shardWorld
	encrypters []persist.Encrypter // empty if nobody encrypts
}

func settings(ctx context.Context, w simulated, rules []string) error {
	rt := w.Runtime()
	rand := rt.Rand("settings")

	// Given a shard and processes with several writers each,
	nodes := runtime.Between(rand, 1, 2)
	plan := trouble{nodes: nodes, faults: 4, steps: 2000, kinds: storeFaults, storage: rules}.plan(w)
	shard, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s := &settingsWorld{shardWorld: shard}
	s.ledger.BoundInlined(func() int { return inlineTotalMax }) // whatever a client keeps to for a while
	if rand.IntN(2) == 0 {
		if s.encrypters, err = drawEncrypters(rand); err != nil {
			return err
		}
		s.config.Encrypter = s.encrypters[0]
	}
	if err := bootNodes(w, nodes, s.process); err != nil {
		return err
	}

	// when they, the store, and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 1, 3)); err != nil {
		return err
	}

	// then, once the faults are over, appends go on,
	w.Quiesce(5 * time.Second)
	succeeded := s.journal.Succeeded()
	w.Eventually("P-52", 12*time.Second, func() bool { return s.journal.Succeeded() > succeeded }, "appends", succeeded)

	// and the shard has what the writers were told, and shows it to nobody without a key.
	if err := s.audit(ctx, rt); err != nil || len(s.encrypters) == 0 {
		return err
	}
	rt.Reachable("encrypted")
	return invariants.CheckSecrecy(
		ctx, rt, s.store.Blob(rt), s.store.Consensus(rt), s.shard.String(), s.journal.Rows())
}

// process has writers, a reader, and somebody who changes the settings.
func (s *settingsWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	rand := rt.Rand("process")
	log := &slowLog{
		Consensus: s.faults.Consensus(rt, s.consensus(rt)), rt: rt, rand: rt.Rand("slow log"), max: drawMillis(rand, 0, 5, 60),
	}
	client, err := persist.New(rt, s.faults.Blob(rt, s.blob(rt)), log, s.config)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	for i := range runtime.Between(rand, 2, 4) {
		task := writing{
			name: fmt.Sprintf("writer %d", i), label: fmt.Sprintf("row %s.%d.%d", rt.Node(), rt.Incarnation(), i),
			rowsMax: runtime.Between(rand, 1, 12), pauseMax: runtime.Between(rand, 300, 3000),
		}
		if rand.IntN(3) == 0 {
			task.patience = drawMillis(rand, 1, 100, 3000)
		}
		group.Go("writer", func(ctx context.Context) error { return s.writeAs(ctx, rt, client, task) })
		rt.Sometimes(i > 2, "contended")
	}
	group.Go("reader", func(ctx context.Context) error { return s.read(ctx, rt, client) })
	group.Go("operator", func(ctx context.Context) error { return s.reconfigure(ctx, rt, client) })
	group.Go("accountant", func(ctx context.Context) error { return s.account(ctx, rt, client) })
	if rand.IntN(2) == 0 {
		group.Go("sweeper", func(ctx context.Context) error { return s.sweep(ctx, rt, client) })
	}
	return group.Wait()
}

// slowLog takes its time to be read, so that settings change meanwhile.
type slowLog struct {
	persist.Consensus
	rt  *runtime.Runtime
	max time.Duration

	mu   sync.Mutex //sim:allow native-lock because nothing parks while it is held
	rand *runtime.Rand
}

func (l *slowLog) draw() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return runtime.Between(l.rand, 0, l.max)
}

// Scan implements [persist.Consensus].
func (l *slowLog) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	if err := l.rt.Sleep(ctx, l.draw()); err != nil {
		return nil, fmt.Errorf("%w: %w", persist.ErrDeterminate, err)
	}
	return l.Consensus.Scan(ctx, key, from, limit)
}

// account lists the objects of the shard, of which none may be missing.
func (s *settingsWorld) account(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("accountant")
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 2000))*time.Millisecond); err != nil {
			return err
		}
		usage, err := client.Usage(ctx, s.shard)
		if errors.Is(err, persist.ErrNotFound) {
			continue // nobody has made the shard yet
		}
		if err != nil {
			return err
		}
		rt.Always(len(usage.Missing) == 0, "P-18", "missing", len(usage.Missing))
		rt.Sometimes(usage.Current.Objects > 1, "usage-told")
	}
}

// reconfigure changes some settings at a time, or all of them.
func (s *settingsWorld) reconfigure(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("operator")
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 5, 1000))*time.Millisecond); err != nil {
			return err
		}
		drawn := drawEngine(rand)
		if len(s.encrypters) > 0 {
			drawn.Encrypter = s.encrypters[rand.IntN(len(s.encrypters))]
		}
		choice := rand.IntN(4)
		err := client.Configure(func(config *persist.Config) {
			switch choice {
			case 0:
				*config = drawn
			case 1: // how the log is read: little by little, or all at once
				config.ScanLimit = 41 - min(config.ScanLimit, 40)
			case 2: // what becomes an object
				config.InlineSizeMax, config.PartSize, config.Encrypter = drawn.InlineSizeMax, drawn.PartSize, drawn.Encrypter
			default: // how fast things go
				config.CommandsMax, config.DeletesMax, config.RetryMin = drawn.CommandsMax, drawn.DeletesMax, drawn.RetryMin
			}
		})
		if err != nil {
			return err
		}
		rt.Reachable("settings-changed")
	}
}
