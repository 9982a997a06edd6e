package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Appends lets writers on several processes append to one shard.
func Appends() sim.Scenario {
	return sim.Scenario{
		Name: "appends",
		Doc: "writers in processes that crash and pause append to one shard while answers are lost; each append happens" +
			" once, as it was answered, and every read agrees",
		Run:    onStage(appends),
		Faults: kindNames(storeFaults, storageRules...),
		Goals:  []string{"append-succeeded", "append-mismatched", "append-unknown", "snapshot-read", "lease-expired"},
	}
}

// storeWorld is what the processes of a world share: a store, its faults, and the
// configuration of the engine.
type storeWorld struct {
	store  *memory.Store
	ledger *invariants.Ledger // of the store in memory
	access access             // of another store; nil for the one in memory
	faults *faulty.Faults
	config persist.Config
	hub    *hub // nil if the processes do not tell each other
}

// newStoreWorld makes a store with the faults of a plan, and draws the configuration of
// the engine: tiny thresholds, short leases.
func newStoreWorld(w stage, rand *runtime.Rand, plan sim.Plan) (*storeWorld, error) {
	rules, err := faulty.ParsePlan(plan.Rules["storage"])
	if err != nil {
		return nil, err
	}
	faults, err := faulty.New(rules, 0)
	if err != nil {
		return nil, err
	}
	if err := handleOutages(w, faults); err != nil {
		return nil, err
	}
	s := &storeWorld{
		store:  memory.New("store", memory.Options{}),
		ledger: invariants.NewLedger(),
		access: w.access(faults),
		faults: faults,
		config: drawEngine(rand),
	}
	s.ledger.BoundInlined(func() int { return s.config.InlineTotalMax })
	return s, nil
}

// inlineTotalMax is the largest InlineTotalMax that is drawn.
const inlineTotalMax = 3000

// drawEngine draws the configuration of the engine: tiny thresholds, short leases. In
// most runs next to everything stays within the metadata; in the others, which cost
// several times as much, nearly every append is an object, and many are several.
func drawEngine(rand *runtime.Rand) persist.Config {
	config := persist.Config{
		WriterLease:        drawMillis(rand, 100, 600, 10_000),
		InlineSizeMax:      2000,
		InlineTotalMax:     runtime.Between(rand, 500, inlineTotalMax),
		CompactionsMax:     runtime.Between(rand, -1, 3),
		CompactionFanout:   runtime.Between(rand, 2, 4),
		CompactionFallback: drawMillis(rand, 100, 2000, 6000),
		ReaderLease:        drawMillis(rand, 200, 4000, 60_000),
		RollupThreshold:    runtime.Between(rand, 2, 12),
		GCVersionsMin:      runtime.Between(rand, 2, 40),
		GCVersionsMax:      runtime.Between(rand, 2, 100),
		GCFallback:         drawMillis(rand, 100, 2000, 30_000),
		DeletesMax:         runtime.Between(rand, 1, 3),
		CommandsMax:        runtime.Between(rand, 1, 5),
		RetryMin:           drawMillis(rand, 4, 60, 1500),
		RetryMax:           4 * time.Second,
		ScanLimit:          runtime.Between(rand, 1, 40),
		SelfCheck:          true,
	}
	if rand.IntN(4) == 0 {
		config.PartSize = runtime.Between(rand, 1, 500)
		config.InlineSizeMax = runtime.Between(rand, 1, 100)
		config.InlineTotalMax = runtime.Between(rand, 1, 600)
		config.StatsSize = runtime.Between(rand, 1, 200)
	}
	config.Compression = persist.Compression(config.GCVersionsMax % 2) // which has nothing to do with it
	if config.CompactionsMax > 0 {                                     // otherwise nobody would ever make room
		config.BatchesMax = runtime.Between(rand, 20, 100)
	}
	return config
}

// drawMillis draws a time: in half of the runs a short one.
func drawMillis(rand *runtime.Rand, low, short, long int) time.Duration {
	high := long
	if rand.IntN(2) == 0 {
		high = short
	}
	return time.Duration(runtime.Between(rand, low, high)) * time.Millisecond
}

// open opens the store for a process, under faults or without.
func (s *storeWorld) open(ctx context.Context, rt *runtime.Runtime, isCalm bool) (persist.Blob, persist.Consensus, error) {
	switch {
	case s.access != nil:
		return s.access(ctx, rt, isCalm)
	case isCalm:
		return s.blob(rt), s.consensus(rt), nil
	}
	return s.faults.Blob(rt, s.blob(rt)), s.faults.Consensus(rt, s.consensus(rt)), nil
}

// consensus and blob are the store in memory itself, without faults, watched by the ledger.
func (s *storeWorld) consensus(rt *runtime.Runtime) persist.Consensus {
	return s.ledger.Consensus(rt, s.store.Consensus(rt))
}

func (s *storeWorld) blob(rt *runtime.Runtime) persist.Blob {
	return s.ledger.Blob(rt, s.store.Blob(rt))
}

// client opens the store for a process.
func (s *storeWorld) client(ctx context.Context, rt *runtime.Runtime) (*persist.Client, error) {
	config := s.config
	if s.hub != nil {
		config.Hub = s.hub.connect(rt)
	}
	blob, log, err := s.open(ctx, rt, false)
	if err != nil {
		return nil, err
	}
	return persist.New(rt, blob, log, config)
}

// calmClient opens the store without faults, for what surrounds the story.
func (s *storeWorld) calmClient(ctx context.Context, rt *runtime.Runtime) (*persist.Client, error) {
	blob, log, err := s.open(ctx, rt, true)
	if err != nil {
		return nil, err
	}
	return persist.New(rt, blob, log, s.config)
}

// shardWorld is a world with one shard, and what its clients were told.
type shardWorld struct {
	*storeWorld
	shard   persist.ShardID
	journal *invariants.Journal
}

func newShardWorld(w stage, rand *runtime.Rand, plan sim.Plan) (*shardWorld, error) {
	s, err := newStoreWorld(w, rand, plan)
	if err != nil {
		return nil, err
	}
	return &shardWorld{s, persist.ShardID{1}, invariants.NewJournal()}, nil
}

func appends(ctx context.Context, w stage) error {
	return appendsUnder(ctx, w, storyOf{rules: storageRules, steps: 2000, nodesMax: 3, secondsMin: 4, secondsMax: 10, calm: 10 * time.Second})
}

// storyOf is how long the story of appends is, and what may happen to calls of the store.
type storyOf struct {
	rules                  []string
	steps                  uint64
	nodesMax               int
	secondsMin, secondsMax int
	calm                   time.Duration
}

// shortStory is one for a store of which each call takes long to simulate.
func shortStory(rules []string) storyOf {
	return storyOf{rules: rules, steps: 1000, nodesMax: 2, secondsMin: 1, secondsMax: 4, calm: 2 * time.Second}
}

func appendsUnder(ctx context.Context, w stage, story storyOf) error {
	rt := w.Runtime()
	rand := rt.Rand("appends")

	// Given a shard and processes that write and read it,
	nodes := runtime.Between(rand, 2, story.nodesMax)
	plan := trouble{nodes: nodes, faults: 5, steps: story.steps, kinds: storeFaults, storage: story.rules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	if err := bootNodes(w, nodes, s.appendAndRead); err != nil {
		return err
	}

	// when they, the store, and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, story.secondsMin, story.secondsMax)); err != nil {
		return err
	}

	// then, once the faults are over, appends go on,
	s.recover(w, story.calm)

	// and the shard has what the writers were told.
	return s.audit(ctx, rt)
}

// appendAndRead is a process: a writer and a reader.
func (s *shardWorld) appendAndRead(ctx context.Context, rt *runtime.Runtime) error {
	client, err := s.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return s.write(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error { return s.read(ctx, rt, client) })
	return group.Wait()
}

func (s *shardWorld) write(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	label := fmt.Sprintf("%s.%d", rt.Node(), rt.Incarnation())
	return s.writeAs(ctx, rt, client, writing{name: "writer", label: label, rowsMax: 3, pauseMax: 1500})
}

// writing is what one of the writers of a process does.
type writing struct {
	name     string // of its random numbers
	label    string // what its rows begin with, and those of nobody else
	rowsMax  int    // of one append
	pauseMax int    // between two of them, in milliseconds
	// patience is for how long it waits for an append, 0 for as long as it takes.
	patience time.Duration
}

// limit returns a context that ends with the patience of the writer.
func (t writing) limit(ctx context.Context, rt *runtime.Runtime) (context.Context, context.CancelFunc) {
	if t.patience == 0 {
		return ctx, func() {}
	}
	return rt.WithTimeout(ctx, t.patience)
}

// writeAs appends until there is an error other than the two that are to be expected.
func (s *shardWorld) writeAs(ctx context.Context, rt *runtime.Runtime, client *persist.Client, task writing) error {
	rand := rt.Rand(task.name)
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "writer"})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		lower, isOpen := w.Upper().Time()
		if !isOpen {
			return nil
		}
		upper := lower + runtime.Between[uint64](rand, 1, 5)
		var updates []persist.Update
		for j := range rand.IntN(task.rowsMax + 1) {
			row := fmt.Sprintf("%s/%d.%d", task.label, i, j)
			at := runtime.Between(rand, lower, upper-1)
			updates = append(updates, persist.Update{Row: []byte(row), Time: at, Diff: 1})
		}
		call := s.journal.Begin(updates, frontier.At(lower), frontier.At(upper))
		limited, cancel := task.limit(ctx, rt)
		err := w.CompareAndAppend(limited, updates, frontier.At(lower), frontier.At(upper))
		cancel()
		call.End(rt, err)
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		rt.Sometimes(err == nil, "append-succeeded")
		rt.Sometimes(errors.As(err, &mismatch), "append-mismatched")
		rt.Sometimes(errors.As(err, &unknown), "append-unknown")
		isCancelled := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		if isCancelled {
			rt.Reachable("append-cancelled")
		}
		if err != nil && mismatch == nil && unknown == nil && !isCancelled {
			return err
		}
		if unknown != nil || isCancelled {
			if _, err := w.FetchRecentUpper(ctx); err != nil {
				return err
			}
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(task.pauseMax))*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *shardWorld) read(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("reader")
	r := &reader{storeWorld: s.storeWorld, client: client, shard: s.shard}
	for {
		if err := r.open(ctx); err != nil {
			return err
		}
		before := s.journal.UpperAtLeast()
		upper, err := r.FetchRecentUpper(ctx)
		if err != nil {
			return err
		}
		rt.Always(before.LessEqual(upper), "P-32", "acknowledged", before, "fetched", upper)
		if end, _ := upper.Time(); end > 0 {
			asOf := rand.IntN(int(end) + 4) // a read ahead of the upper waits
			updates, err := r.Snapshot(ctx, uint64(asOf))
			switch {
			case r.hasExpired(rt, err):
			case err != nil:
				return err
			default:
				s.journal.Read(rt, uint64(asOf), updates)
				rt.Reachable("snapshot-read")
			}
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 2000))*time.Millisecond); err != nil {
			return err
		}
	}
}

// reader is a leased reader that is replaced when it was forgotten.
type reader struct {
	*storeWorld
	*persist.Reader
	client  *persist.Client
	shard   persist.ShardID
	options persist.ReaderOptions
}

// open makes sure that there is a reader.
func (r *reader) open(ctx context.Context) (err error) {
	if r.Reader == nil {
		r.Reader, err = r.client.OpenReader(ctx, r.shard, r.options)
	}
	return err
}

// hasExpired reports whether a read has failed because the lease had run out.
func (r *reader) hasExpired(rt *runtime.Runtime, err error) bool {
	var expired *persist.LeaseExpiredError
	if !errors.As(err, &expired) {
		return false
	}
	rt.Reachable("lease-expired")
	r.Reader = nil
	return true
}

// renew gives a sign of life of a reader.
func (s *storeWorld) renew(ctx context.Context, rt *runtime.Runtime, r *persist.Reader) error {
	if s.access != nil { // nobody knows what is in the log
		return r.Renew(ctx)
	}
	call := s.ledger.SignOfLife(r.Shard(), r.ID())
	err := r.Renew(ctx)
	call.End(rt, err)
	return err
}

// recover ends the faults, lets the processes go on without any for a while, and asserts that
// appends do.
func (s *shardWorld) recover(w stage, calm time.Duration) {
	w.Quiesce(calm)
	succeeded := s.journal.Succeeded()
	w.Eventually("P-52", 22*time.Second-calm, func() bool { return s.journal.Succeeded() > succeeded }, "appends", succeeded)
}

// audit reads the shard on a process of its own, without faults, and compares
// it with the journal.
func (s *shardWorld) audit(ctx context.Context, rt *runtime.Runtime) error {
	client, err := s.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	r, err := client.OpenReader(ctx, s.shard, persist.ReaderOptions{Purpose: "reader"})
	if err != nil {
		return err
	}
	upper, err := r.FetchRecentUpper(ctx)
	if err != nil {
		return err
	}
	if end, _ := upper.Time(); end > 0 {
		updates, err := r.Snapshot(ctx, end-1)
		if err != nil {
			return err
		}
		s.journal.Read(rt, end-1, updates)
		s.journal.Audit(rt, end-1, updates)
	}
	_, err = client.Inspect(ctx, s.shard)
	s.ledger.Seal(rt)
	return err
}
