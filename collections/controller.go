package collections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Controller owns the collections of a process: it decides how far the since of
// each shard may go, and makes it durable. It is safe for concurrent use.
//
// A crash loses nothing but holds and policies: the next process opens the same
// collections, at the sinces that were durable, and has to set policies again.
type Controller struct {
	rt      *runtime.Runtime
	client  *persist.Client
	catalog catalog.Catalog // nil without
	epoch   int64
	config  Config
	issuer  *issuer

	ctx    context.Context // of the background tasks
	cancel context.CancelCauseFunc
	group  *runtime.Group // of the background tasks
	opens  *runtime.Semaphore

	mu      *runtime.Mutex // guards what follows; nobody waits for I/O with it
	core    *core.Core
	records map[GlobalID]*record
	// reservations are those of creations that are under way.
	reservations []*core.Reservation
	// queue has the records whose wanted since is to be made durable.
	queue   []*record
	calls   []*call // under way
	noCalls *runtime.Cond
	running int // tasks that make sinces durable
	// isBooting says that Open has not returned yet.
	isBooting bool
	closing   bool
	ended     error // why no call succeeds any more
	tree      *btree.BTreeG[*CollectionInspection]
	version   uint64

	downgraders *runtime.Watch[int]  // follows running
	view        atomic.Pointer[view] // written under mu, read without waiting
}

// record is what the controller keeps of a collection beside its core: from its
// installation until its last downgrade is durable, which is after the core has
// removed it.
type record struct {
	id          GlobalID
	description Description
	shard       persist.ShardID
	since       *persist.Since // used by whoever has set isBusy
	contents    *persist.Shard
	stopWatch   context.CancelFunc
	// reader keeps the objects that are read from being deleted; the since is held
	// back by the capability of the controller. It is opened by the first read.
	reader *persist.Reader

	wanted   frontier.Antichain // what is to be durable
	durable  frontier.Antichain // what is known to be
	isQueued bool
	isBusy   bool // a downgrade is under way
	// isDropping says that a drop has begun, isRemoved that the core has let go.
	isDropping bool
	isRemoved  bool
	isWatched  bool
	broken     error // of the shard: nothing is tried any more
}

// Open starts a controller, takes over all collections of the catalog from the
// process that had them before, and returns when they can be used. Close ends it.
// The client stays the caller's, and has to outlive the controller.
//
// Collections whose dependencies were dropped come back without those. The error is
// a [*FencedError] if a newer epoch has begun, or wraps [persist.ErrUsage] if the
// configuration makes no sense.
func Open(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, config Config,
) (*Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if client == nil {
		return nil, fmt.Errorf("collections: open without a client: %w", persist.ErrUsage)
	}
	c := newController(rt, client, config.withDefaults())
	if err := c.boot(ctx); err != nil {
		c.closing = true
		_ = c.finish(ctx, err)
		return nil, fmt.Errorf("collections: open: %w", err)
	}
	return c, nil
}

func newController(rt *runtime.Runtime, client *persist.Client, config Config) *Controller {
	if config.Catalog == nil && config.Epoch == 0 {
		config.Catalog = catalog.NewMemory("catalog").View(rt)
	}
	c := &Controller{
		rt: rt, client: client, catalog: config.Catalog, epoch: config.Epoch, config: config,
		opens:       rt.NewSemaphore(int64(config.OpensMax)),
		mu:          rt.NewMutex(),
		core:        core.New(),
		records:     make(map[GlobalID]*record),
		tree:        newTree(),
		downgraders: runtime.NewWatch(rt, 0),
	}
	c.noCalls = rt.NewCond(c.mu)
	c.ctx, c.cancel = rt.WithCancelCause(context.Background())
	c.group = rt.NewGroup(c.ctx)
	c.issuer = newIssuer(rt, config.Events.HoldLeaked)
	c.view.Store(&view{tree: c.tree.Copy()})
	c.group.Go("holds", c.applyHoldChanges)
	return c
}

// boot takes over what the catalog has.
func (c *Controller) boot(ctx context.Context) error {
	if c.catalog == nil {
		return nil
	}
	if err := c.retry(ctx, func() (err error) {
		c.epoch, err = c.catalog.NextEpoch(ctx)
		return err
	}); err != nil {
		return err
	}
	c.isBooting = true
	var committed catalog.Metadata
	var descriptions []Description
	if err := c.update(ctx, func(draft catalog.Draft) (err error) {
		if committed, err = catalog.Read(draft); err != nil {
			return err
		}
		descriptions, err = draft.Descriptions()
		return err
	}); err != nil {
		return err
	}
	if err := c.create(ctx, descriptions, foreignIntent(committed)); err != nil {
		return err
	}
	c.releaseRetired(committed, committed.Unfinalized...)
	c.isBooting = false
	return nil
}

// Epoch returns the epoch of the process.
func (c *Controller) Epoch() int64 { return c.epoch }

// Err returns the error that has ended the controller: one that wraps [ErrFenced] or
// [ErrInvariant], or [ErrClosed], or nil. It never waits.
func (c *Controller) Err() error { return c.view.Load().ended }

// call is a call of the API that may do I/O.
type call struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// begin registers a call. Its context ends with the controller.
func (c *Controller) begin(ctx context.Context) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	in := new(call)
	in.ctx, in.cancel = c.rt.WithCancelCause(ctx)
	c.calls = append(c.calls, in)
	return in, nil
}

// end returns the answer of a call. What the controller's own end has to do with
// it stands in front; nothing succeeds after that.
func (c *Controller) end(in *call, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = slices.DeleteFunc(c.calls, func(other *call) bool { return other == in })
	if len(c.calls) == 0 {
		c.noCalls.Broadcast()
	}
	in.cancel(nil)
	refused := c.refusal()
	switch {
	case refused == nil:
		return err
	case err == nil:
		return fmt.Errorf("%w: %w", refused, persist.ErrIndeterminate)
	case errors.Is(err, refused):
		return err
	}
	return fmt.Errorf("%w: %w", refused, err)
}

// refusal returns why new calls are refused, under the lock.
func (c *Controller) refusal() error {
	if c.ended == nil && c.closing {
		return ErrClosed
	}
	return c.ended
}

// step runs one step of the core and takes its effects up, all under the lock.
// also runs in the same moment in which the step becomes visible; it may be nil.
func (c *Controller) step(run func(*core.Core) (core.Effects, error), also func()) (core.Effects, error) {
	c.mu.Lock()
	if c.ended != nil {
		defer c.mu.Unlock()
		return core.Effects{}, c.ended
	}
	effects, err := run(c.core)
	var seen *Inspection
	if err == nil {
		c.take(effects)
		seen = c.publish(also, c.core.Touched()...)
	}
	c.mu.Unlock()
	c.tell(seen)
	if errors.Is(err, ErrInvariant) {
		err = c.fail(err)
	}
	return effects, err
}

func (c *Controller) tell(seen *Inspection) {
	if seen != nil {
		c.config.Events.Stepped(*seen)
	}
}

// fail ends the controller because of a fatal error, and returns the one that did.
func (c *Controller) fail(fatal error) error {
	c.mu.Lock()
	if c.ended != nil {
		defer c.mu.Unlock()
		return c.ended
	}
	c.ended = fatal
	c.stop(fatal)
	c.issuer.end(fatal)
	seen := c.publish(nil)
	c.mu.Unlock()
	c.tell(seen)
	c.rt.Logger().Error("collections ended", "epoch", c.epoch, "error", fatal)
	if c.config.Supervisor != nil {
		c.config.Supervisor(fatal)
	}
	return fatal
}

// stop cancels everything that is under way, under the lock.
func (c *Controller) stop(cause error) {
	c.cancel(cause)
	for _, in := range c.calls {
		in.cancel(cause)
	}
}

// Close ends the controller: it refuses new calls and cancels those that are under
// way, makes durable what is to be, for as long as ctx lives, and returns when all
// tasks have ended. Nothing happens after that. Closing again does nothing.
//
// The error is an [*OpenHoldsError] if holds were open, or that of ctx if something
// was left undone, which the next process will do.
func (c *Controller) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		_ = c.group.Wait()
		return nil
	}
	c.closing = true
	for _, in := range c.calls {
		in.cancel(ErrClosed)
	}
	for len(c.calls) > 0 {
		c.noCalls.Wait()
	}
	c.mu.Unlock()
	return c.finish(ctx, ErrClosed)
}

// finish ends a controller that has no calls.
func (c *Controller) finish(ctx context.Context, cause error) error {
	err := c.drainHoldChanges()
	if err == nil {
		_, _, err = c.downgraders.WaitFor(ctx, func(running int) bool { return running == 0 })
	}
	open := c.issuer.end(cause)
	c.mu.Lock()
	isFatal := c.ended != nil
	if !isFatal {
		c.ended = cause
		c.stop(cause)
		c.publish(nil)
	}
	c.mu.Unlock()
	_ = c.group.Wait() // background tasks keep their errors to themselves
	c.closeReaders(ctx)
	switch {
	case isFatal:
		return nil
	case len(open) > 0:
		return &OpenHoldsError{Holds: open}
	case err != nil:
		return fmt.Errorf("collections: close: %w", err)
	}
	return nil
}
