package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// collectionsFaults are the kinds of faults of a world of collections.
func collectionsFaults() []string {
	return append(kindNames(storeFaults, storageRules...),
		catalog.FaultRefuse, catalog.FaultFailBefore, catalog.FaultFailAfter)
}

// collectionsTrouble is what may go wrong in a world of collections.
func collectionsTrouble(nodes, faults int, steps uint64) trouble {
	return trouble{
		nodes: nodes, faults: faults, steps: steps, kinds: storeFaults, storage: storageRules,
		catalog: []string{"refuse 1/%d", "fail-before 1/%d", "fail-after 1/%d"},
	}
}

// collectionsWorld is what processes with collections share: a store, a catalog, what
// watches them, and what clients were told.
type collectionsWorld struct {
	*storeWorld
	catalog      *catalog.Memory
	catalogFails catalog.FaultPlan
	watch        *invariants.Controllers
	isSampled    bool // invariants are not checked after each step
	writes       int  // of each writer that nothing else is said about
	pauseMax     int  // between two of them, in milliseconds
	openingMax   int  // of a process that takes over, before each compare-and-set, in milliseconds

	mu       sync.Mutex //sim:allow native-lock because nothing parks while it is held
	journals map[collections.GlobalID]*invariants.Journal
	created  uint64                        // ids that were given out
	dropped  map[collections.GlobalID]bool // somebody has tried to
	isEnding bool
	current  *process // the one with the newest epoch
}

func newCollectionsWorld(w simulated, rand *runtime.Rand, plan sim.Plan) (*collectionsWorld, error) {
	s, err := newStoreWorld(w, rand, plan)
	if err != nil {
		return nil, err
	}
	catalogFails, err := catalog.ParseFaultPlan(plan.Rules["catalog"])
	if err != nil {
		return nil, err
	}
	s.config.SelfCheck = rand.IntN(4) == 0 // it costs a fifth of a run; appends and capability always do it
	return &collectionsWorld{
		storeWorld:   s,
		catalog:      catalog.NewMemory("catalog"),
		catalogFails: catalogFails,
		writes:       12,
		pauseMax:     1500,
		watch:        invariants.NewControllers(s.ledger),
		journals:     make(map[collections.GlobalID]*invariants.Journal),
		dropped:      make(map[collections.GlobalID]bool),
	}, nil
}

// newID returns an id that was never used.
func (w *collectionsWorld) newID() collections.GlobalID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.created++
	return collections.UserID(w.created)
}

// journal returns the journal of a collection.
func (w *collectionsWorld) journal(id collections.GlobalID) *invariants.Journal {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.journals[id] == nil {
		w.journals[id] = invariants.NewCollectionJournal()
	}
	return w.journals[id]
}

// noteDrop notes that somebody tries to drop a collection, which must not be created
// again.
func (w *collectionsWorld) noteDrop(id collections.GlobalID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropped[id] = true
}

func (w *collectionsWorld) isDropped(id collections.GlobalID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped[id]
}

// end tells the processes to drop everything.
func (w *collectionsWorld) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isEnding = true
}

func (w *collectionsWorld) ending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isEnding
}

// checkQuiescent asserts what has to be true of the newest process, once nothing is
// under way.
func (w *collectionsWorld) checkQuiescent(ctx context.Context, rt *runtime.Runtime) error {
	w.mu.Lock()
	p := w.current
	w.mu.Unlock()
	if p == nil {
		return errors.New("no process has opened the collections")
	}
	p.watch.CheckQuiescent(rt)
	open := p.Inspect().Holds
	rt.Always(len(open) == 0, "I-20", "holds", len(open))
	w.ledger.Seal(rt)
	return nil
}

// process is one incarnation of a node with its collections.
type process struct {
	*collections.Controller
	world  *collectionsWorld
	rt     *runtime.Runtime
	client *persist.Client
	watch  *invariants.Process
}

// errReplaced ends the tasks of a process whose controller has ended.
var errReplaced = errors.New("replaced by another process")

// run boots a process: it opens the collections, does its work, and closes them. A
// process that was replaced ends without an error.
func (w *collectionsWorld) run(
	ctx context.Context, rt *runtime.Runtime, work func(ctx context.Context, p *process, group *runtime.Group) error,
) error {
	p, err := w.open(ctx, rt)
	if errors.Is(err, collections.ErrFenced) {
		rt.Reachable("fenced-at-boot")
		return nil
	}
	if err != nil {
		return err
	}
	defer p.client.Close()
	group := rt.NewGroup(ctx)
	group.Go("stay", p.stay)
	group.Go("work", func(ctx context.Context) error { return work(ctx, p, group) })
	err = group.Wait()
	closeErr := p.Close(ctx)
	var open *collections.OpenHoldsError
	rt.Always(!errors.As(closeErr, &open), "I-20", "holds", closeErr)
	var fenced *collections.FencedError
	if errors.As(p.Err(), &fenced) {
		if fenced.Shard == (persist.ShardID{}) {
			rt.Reachable("fenced-by-catalog")
		} else {
			rt.Reachable("fenced-by-shard")
		}
		return nil
	}
	return err
}

// open opens the collections.
func (w *collectionsWorld) open(ctx context.Context, rt *runtime.Runtime) (*process, error) {
	p := &process{world: w, rt: rt, watch: w.watch.Process(rt)}
	opening := &slowOpening{Consensus: w.consensus(rt), rt: rt, rand: rt.Rand("opening"), max: w.openingMax}
	consensus := p.watch.Issuing(w.faults.Consensus(rt, opening))
	var err error
	if p.client, err = persist.New(rt, w.faults.Blob(rt, w.blob(rt)), consensus, w.config); err != nil {
		return nil, err
	}
	events := p.watch.Events()
	if w.isSampled {
		events.Stepped = nil
	}
	p.Controller, err = collections.Open(ctx, rt, p.client, collections.Config{
		Catalog:       catalog.Faulty(rt, w.catalog.View(rt), w.catalogFails),
		DowngradesMax: 4,
		Supervisor:    p.watch.Fenced,
		Events:        events,
	})
	opening.end()
	if err != nil {
		p.client.Close()
		return nil, err
	}
	p.watch.Opened(p.Controller)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.Epoch() < p.Epoch() {
		w.current = p
	}
	return p, nil
}

// slowOpening is the store as a process sees it that takes over slowly, while the one
// before is at work.
type slowOpening struct {
	persist.Consensus
	rt *runtime.Runtime

	mu   sync.Mutex //sim:allow native-lock because nothing parks while it is held
	rand *runtime.Rand
	max  int // milliseconds; 0 when it is over
}

// CompareAndSet implements [persist.Consensus].
func (s *slowOpening) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	if pause := s.pause(); pause > 0 {
		if err := s.rt.Sleep(ctx, pause); err != nil {
			return false, fmt.Errorf("%w: %w", persist.ErrDeterminate, err)
		}
	}
	return s.Consensus.CompareAndSet(ctx, key, expected, next)
}

func (s *slowOpening) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.max == 0 {
		return 0
	}
	return time.Duration(runtime.Between(s.rand, 0, s.max)) * time.Millisecond
}

// end lets everything go on without a pause.
func (s *slowOpening) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max = 0
}

// stay is a task that keeps the process going until its controller ends.
func (p *process) stay(ctx context.Context) error {
	for p.Err() == nil {
		if err := p.rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return errReplaced
}

// outcome sorts the errors that a task of a process may meet: what ends the task
// well because the process is over, or its collection, is nil; others are left.
func (p *process) outcome(err error) error {
	var missing *collections.CollectionMissingError
	if p.isOver(err) || errors.As(err, &missing) {
		return nil
	}
	return err
}

// isOver reports whether the error says that the process is over.
func (p *process) isOver(err error) bool {
	return errors.Is(err, collections.ErrFenced) || errors.Is(err, collections.ErrClosed)
}

// pause sleeps for a time between two bounds in milliseconds.
func (p *process) pause(ctx context.Context, rand *runtime.Rand, low, high int) error {
	return p.rt.Sleep(ctx, time.Duration(runtime.Between(rand, low, high))*time.Millisecond)
}

// write is a task that appends to a collection for as long as it exists, count times
// at most, with rows of its own. There is one for each collection of a process.
func (p *process) write(ctx context.Context, id collections.GlobalID, count int) error {
	rand := p.rt.Rand("write " + id.String())
	journal := p.world.journal(id)
	w, err := p.Writer(ctx, id)
	if err != nil {
		return p.outcome(err)
	}
	for i := range count {
		expected := w.Upper()
		lower, isOpen := expected.Time()
		if !isOpen {
			return nil
		}
		upper := lower + runtime.Between[uint64](rand, 1, 5)
		var updates []persist.Update
		for j := range rand.IntN(3) {
			row := fmt.Sprintf("%s.%d/%d.%d", p.rt.Node(), p.Epoch(), i, j)
			updates = append(updates, persist.Update{Row: []byte(row), Time: runtime.Between(rand, lower, upper-1), Diff: 1})
		}
		before := p.watch.HasEnded()
		call := journal.Begin(updates, expected, frontier.At(upper))
		err := w.CompareAndAppend(ctx, updates, expected, frontier.At(upper))
		call.End(p.rt, err)
		p.watch.Returned(before, err)
		p.rt.Sometimes(err == nil, "appended")
		var mismatch *persist.UpperMismatchError
		if errors.Is(err, persist.ErrIndeterminate) || errors.As(err, &mismatch) {
			_, err = w.FetchRecentUpper(ctx)
		}
		if err != nil {
			return p.outcome(err)
		}
		if err := p.pause(ctx, rand, 1, p.world.pauseMax); err != nil {
			return err
		}
	}
	return nil
}

// read reads a collection as of a time, which must succeed if it is held.
func (p *process) read(ctx context.Context, id collections.GlobalID, asOf uint64, isHeld bool) error {
	before := p.watch.HasEnded()
	var updates []persist.Update
	var err error
	for u, readErr := range p.Snapshot(ctx, id, asOf) {
		if err = readErr; err == nil {
			updates = append(updates, u)
		}
	}
	p.watch.Returned(before, err)
	var early *collections.ReadBeforeSinceError
	var missing *collections.CollectionMissingError
	switch {
	case err == nil:
		p.world.journal(id).Read(p.rt, asOf, updates)
		p.rt.Sometimes(len(updates) > 0, "rows-read")
		return nil
	case errors.As(err, &early) && p.watch.WasReplaced(id):
		return collections.ErrFenced
	case errors.As(err, &early), errors.As(err, &missing):
		p.rt.Always(!isHeld, "I-16", "collection", id, "asOf", asOf, "error", err)
		p.watch.Refused(id, asOf)
		p.rt.Sometimes(early != nil, "read-refused")
		return nil
	}
	return err
}

// hold acquires holds, and checks them.
func (p *process) hold(ctx context.Context, ids ...collections.GlobalID) (collections.Holds, error) {
	before := p.watch.HasEnded()
	holds, err := p.Hold(ctx, ids...)
	p.watch.Returned(before, err)
	if err == nil {
		p.watch.Acquired(ids, holds)
	}
	return holds, err
}

// drawPolicy draws a read policy for a collection. What depends on others keeps the last time
// that was written, or whoever opens it after a crash may not find that in those (I-10).
func (p *process) drawPolicy(rand *runtime.Rand, id collections.GlobalID) (collections.ReadPolicy, error) {
	least := uint64(0)
	if p.hasDependencies(id) {
		least = 1
	}
	lag, err := collections.LagBy(max(least, runtime.Between[uint64](rand, 0, 20)), runtime.Between[uint64](rand, 1, 8))
	if err != nil {
		return lag, err
	}
	var from collections.ReadPolicy
	if all, err := p.Frontiers(id); err == nil {
		upper, _ := all[0].Upper.Time()
		since := upper + 2 - min(upper+2, runtime.Between[uint64](rand, 0, 9))
		if least > 0 {
			since = min(since, upper-min(upper, least))
		}
		from = collections.ValidFrom(frontier.At(since))
	}
	switch rand.IntN(4) {
	case 0:
		return collections.StepBack(), nil
	case 1:
		return lag, nil
	case 2:
		return from, nil
	}
	return collections.Multiple(lag, from)
}

func (p *process) hasDependencies(id collections.GlobalID) bool {
	return slices.ContainsFunc(p.Inspect().Collections, func(one collections.CollectionInspection) bool {
		return one.ID == id && len(one.DependsOn) > 0
	})
}

// steer is a task that changes the policies of random collections.
func (p *process) steer(ctx context.Context) error {
	rand := p.rt.Rand("steer")
	for {
		ids := p.IDs()
		if len(ids) > 0 {
			var changes []collections.PolicyChange
			for range runtime.Between(rand, 1, 3) { // ids may be repeated
				id := ids[rand.IntN(len(ids))]
				policy, err := p.drawPolicy(rand, id)
				if err != nil {
					return err
				}
				changes = append(changes, collections.PolicyChange{ID: id, Policy: policy})
			}
			before := p.watch.HasEnded()
			withheld, err := p.SetReadPolicies(ctx, changes...)
			p.watch.Returned(before, err)
			p.rt.Sometimes(len(withheld) > 0, "policy-withheld")
			if p.isOver(err) {
				return nil
			}
			if err != nil && p.outcome(err) != nil {
				return err
			}
		}
		if err := p.pause(ctx, rand, 10, 1500); err != nil {
			return err
		}
	}
}

// dropAll drops what is left, once the world says so.
func (p *process) dropAll(ctx context.Context) error {
	rand := p.rt.Rand("drop all")
	for {
		if ids := p.IDs(); p.world.ending() && len(ids) > 0 {
			first := rand.IntN(len(ids))
			for n := range ids {
				err := p.drop(ctx, ids[(first+n)%len(ids)])
				if p.isOver(err) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		}
		if err := p.pause(ctx, rand, 100, 500); err != nil {
			return err
		}
	}
}
