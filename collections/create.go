package collections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// Create creates collections, which may depend on each other and on existing ones.
// It prepares and commits them in the catalog, and installs them: all of them come
// into being in one moment, which is before Create returns. They are found again after
// a restart if the catalog is; a [catalog.Memory], which is the default, is not.
//
// Creating a collection that exists, with an equal description, does nothing; with
// another one the error is an [*IDReusedError]. Other errors about the descriptions
// wrap [ErrInvalidDescription], or are a [*DependencyMissingError],
// [*DependencyDroppingError] or [*DependencyCycleError]; nothing has happened then.
// If the catalog or a shard was out of reach for as long as ctx lived, the
// collections may be in the catalog and come into being with the next process;
// creating them again makes up for it, and dropping them undoes it.
func (c *Controller) Create(ctx context.Context, descriptions ...Description) error {
	if c.catalog == nil {
		return ErrNoCatalog
	}
	in, err := c.begin(ctx)
	if err != nil {
		return err
	}
	return c.end(in, c.create(in.ctx, descriptions, ownIntent{c}))
}

// Install creates collections that were prepared by [Controller.Prepare] and
// committed: all in one moment, or none. Metadata is what is committed now. At the
// start of a program everything that its catalog has is to be installed in one call.
//
// The error is a [*NotMappedError] if a collection has no shard, and a
// [*ShardInUseError] if it has that of another one; apart from that it is as with
// [Controller.Create]. Installing again what is there does nothing.
func (c *Controller) Install(ctx context.Context, committed catalog.Metadata, descriptions ...Description) error {
	in, err := c.begin(ctx)
	if err != nil {
		return err
	}
	return c.end(in, c.create(in.ctx, descriptions, foreignIntent(committed)))
}

// intent is where it is durable that collections are to be created.
type intent interface {
	// commit makes it durable, unless it is, and returns what is committed.
	commit(ctx context.Context, n *creation) (catalog.Metadata, error)
	// undo takes it back after the creation was refused with an error, and returns
	// that, with what has gone wrong in taking it back.
	undo(ctx context.Context, n *creation, refusal error) error
}

// foreignIntent is what somebody else has committed, and has to take back.
type foreignIntent catalog.Metadata

func (f foreignIntent) commit(context.Context, *creation) (catalog.Metadata, error) {
	return catalog.Metadata(f), nil
}

func (f foreignIntent) undo(_ context.Context, _ *creation, refusal error) error { return refusal }

// creation is a set of collections on the way into being.
type creation struct {
	descriptions []Description // of the new ones
	reservation  *core.Reservation
	records      []*record
	openings     []core.Opening
}

// create reserves ids, makes sure of the intent, opens the shards, and installs.
func (c *Controller) create(ctx context.Context, descriptions []Description, in intent) error {
	n, err := c.reserve(descriptions)
	if err != nil || len(n.descriptions) == 0 {
		return err
	}
	committed, err := in.commit(ctx, n)
	if err == nil {
		err = c.openShards(ctx, n, committed)
	}
	if err != nil {
		c.abandon(n)
		return err
	}
	err = c.install(n)
	if err != nil && c.Err() == nil { // a dependency was dropped in the meantime, or a shard given up
		return in.undo(ctx, n, err)
	}
	return err
}

// reserve verifies descriptions, and reserves the ids of those that are new.
func (c *Controller) reserve(descriptions []Description) (*creation, error) {
	n := new(creation)
	for _, d := range descriptions {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	var plans []core.Plan
	_, err := c.step(func(k *core.Core) (core.Effects, error) {
		for _, d := range descriptions {
			isKnown, err := c.isKnown(n, d)
			if err != nil {
				return core.Effects{}, err
			}
			if !isKnown {
				n.descriptions = append(n.descriptions, d.Clone())
				plans = append(plans, core.Plan{ID: d.ID, Dependencies: c.existing(d, descriptions)})
			}
		}
		if len(plans) == 0 {
			return core.Effects{}, nil
		}
		r, err := k.Reserve(plans...)
		if err == nil {
			n.reservation = r
			c.reservations = append(c.reservations, r)
		}
		return core.Effects{}, err
	}, nil)
	return n, err
}

// isKnown reports whether a collection exists, or is listed already, with an equal
// description, under the lock.
func (c *Controller) isKnown(n *creation, d Description) (bool, error) {
	i := slices.IndexFunc(n.descriptions, func(other Description) bool { return other.ID == d.ID })
	r := c.records[d.ID]
	switch {
	case r != nil && !r.isDropping && !r.isRemoved && r.description.Equal(d):
		return true, nil
	case i >= 0 && n.descriptions[i].Equal(d):
		return true, nil
	case r != nil, i >= 0:
		return false, &IDReusedError{ID: d.ID}
	}
	return false, nil
}

// existing returns the dependencies of a collection. While the controller boots,
// those that were dropped are left out: the process before has let go of them.
func (c *Controller) existing(d Description, all []Description) []GlobalID {
	if !c.isBooting {
		return d.DependsOn
	}
	return slices.DeleteFunc(slices.Clone(d.DependsOn), func(id GlobalID) bool {
		return !slices.ContainsFunc(all, func(other Description) bool { return other.ID == id })
	})
}

// abandon gives up what was reserved.
func (c *Controller) abandon(n *creation) {
	_, _ = c.step(func(k *core.Core) (core.Effects, error) { // fails if all has ended
		c.forget(n.reservation)
		return k.Abandon(n.reservation)
	}, nil)
}

func (c *Controller) forget(r *core.Reservation) {
	c.reservations = slices.DeleteFunc(c.reservations, func(other *core.Reservation) bool { return other == r })
}

// openShards opens the shards of a creation, several at the same time.
func (c *Controller) openShards(ctx context.Context, n *creation, committed catalog.Metadata) error {
	n.records = make([]*record, len(n.descriptions))
	n.openings = make([]core.Opening, len(n.descriptions))
	for i, d := range n.descriptions {
		shard, ok := committed.Shard(d.ID)
		if !ok {
			return &NotMappedError{ID: d.ID}
		}
		n.records[i] = &record{id: d.ID, description: d, shard: shard, stopWatch: func() {}}
	}
	c.mu.Lock()
	err := c.checkShards(n)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.forEach(ctx, n, c.takeSince); err != nil {
		return err
	}
	// All uppers are read after all sinces. As long as one since is not taken over,
	// its old owner may move it, because of uppers that would seem old otherwise:
	// those of the same shard, and of what depends on it.
	return c.forEach(ctx, n, c.readUpper)
}

// checkShards verifies that each shard belongs to one collection, under the lock: two
// would move its since against each other.
func (c *Controller) checkShards(n *creation) error {
	users := make(map[persist.ShardID]GlobalID, len(c.records)+len(n.records))
	for _, r := range c.records { //sim:allow map-range because it fills a map
		users[r.shard] = r.id
	}
	for _, r := range n.records {
		if user, isUsed := users[r.shard]; isUsed {
			return &ShardInUseError{ID: r.id, Shard: r.shard, User: user}
		}
		users[r.shard] = r.id
	}
	return nil
}

// forEach does something with each shard of a creation, several at the same time.
func (c *Controller) forEach(
	ctx context.Context, n *creation, do func(context.Context, *record, *core.Opening) error,
) error {
	group := c.rt.NewGroup(ctx)
	for i, r := range n.records {
		group.Go("open", func(ctx context.Context) error {
			if err := c.opens.Acquire(ctx, 1); err != nil {
				return err
			}
			defer c.opens.Release(1)
			return do(ctx, r, &n.openings[i])
		})
	}
	err := group.Wait()
	if errors.Is(err, ErrFenced) {
		err = c.fail(err)
	}
	return err
}

// takeSince takes the capability on a shard over.
func (c *Controller) takeSince(ctx context.Context, r *record, opening *core.Opening) (err error) {
	if r.since, err = c.openSince(ctx, r.shard, r.description.Since); err != nil {
		return err
	}
	r.durable = r.since.Since()
	r.wanted = r.durable
	opening.ID, opening.Since = r.id, r.durable
	return nil
}

// readUpper reads the upper of a shard.
func (c *Controller) readUpper(ctx context.Context, r *record, opening *core.Opening) (err error) {
	if r.contents, err = c.client.OpenShard(ctx, r.shard); err != nil {
		return err
	}
	opening.Upper, err = r.contents.FetchRecentUpper(ctx)
	return err
}

// install makes a creation come into being.
func (c *Controller) install(n *creation) error {
	effects, err := c.step(func(k *core.Core) (core.Effects, error) {
		if err := c.checkShards(n); err != nil {
			return core.Effects{}, err
		}
		effects, err := k.Install(n.reservation, n.openings...)
		if err != nil {
			return effects, err
		}
		c.forget(n.reservation)
		for i, r := range n.records {
			c.records[r.id] = r
			c.watch(r, n.openings[i].Upper)
		}
		for _, f := range effects.Changed { // new ones start where their dependencies are
			if r := c.records[f.ID]; r != nil {
				c.want(r, f.Read)
			}
		}
		return effects, nil
	}, nil)
	if err != nil {
		c.abandon(n)
		return err
	}
	for _, b := range effects.Broken {
		c.rt.Logger().Warn("a dependency was not kept", "collection", b.ID, "dependency", b.Dependency)
		if c.config.Events.PromiseBroken != nil {
			c.config.Events.PromiseBroken(b)
		}
	}
	return nil
}

// watch starts the task that follows the upper of a shard, under the lock.
func (c *Controller) watch(r *record, upper frontier.Antichain) {
	if upper.IsEmpty() {
		return
	}
	ctx, cancel := c.rt.WithCancel(c.group.Context())
	r.stopWatch, r.isWatched = cancel, true
	c.group.Go("upper "+r.id.String(), func(context.Context) error {
		defer cancel()
		err := c.follow(ctx, r, upper)
		c.mu.Lock()
		r.isWatched = false
		if ctx.Err() == nil && err != nil {
			r.broken = err
		}
		seen := c.publish(nil, r.id)
		c.mu.Unlock()
		c.tell(seen)
		return nil
	})
}

// follow reports the upper of a shard whenever it moves, until it is {}.
func (c *Controller) follow(ctx context.Context, r *record, upper frontier.Antichain) error {
	for !upper.IsEmpty() {
		if err := r.contents.WaitForUpperPast(ctx, upper); err != nil {
			return err
		}
		upper = r.contents.SharedUpper()
		if _, err := c.step(func(k *core.Core) (core.Effects, error) {
			return k.ReportUppers(core.UpperReport{ID: r.id, Upper: upper})
		}, nil); err != nil {
			return err
		}
	}
	return nil
}

// ownIntent is kept in the controller's own catalog.
type ownIntent struct{ *Controller }

func (c ownIntent) commit(ctx context.Context, n *creation) (catalog.Metadata, error) {
	var committed catalog.Metadata
	err := c.update(ctx, func(draft catalog.Draft) error {
		described, err := draft.Descriptions()
		if err != nil {
			return err
		}
		shards, err := draft.Shards()
		if err != nil {
			return err
		}
		var change Change
		for _, d := range n.descriptions {
			if _, isMapped := shards[d.ID]; !isMapped {
				change.Create = append(change.Create, d.ID)
			} else if !slices.ContainsFunc(described, d.Equal) {
				return &IDReusedError{ID: d.ID}
			}
		}
		if err := c.prepare(draft, change); err != nil {
			return err
		}
		for _, d := range n.descriptions {
			if slices.Contains(change.Create, d.ID) {
				if err := draft.Describe(d.Clone()); err != nil {
					return err
				}
			}
		}
		committed, err = catalog.Read(draft)
		return err
	})
	return committed, err
}

func (c ownIntent) undo(ctx context.Context, n *creation, refusal error) error {
	var ids []GlobalID
	for _, d := range n.descriptions {
		ids = append(ids, d.ID)
	}
	var committed catalog.Metadata
	if err := c.update(ctx, func(draft catalog.Draft) (err error) {
		if err = c.prepare(draft, Change{Drop: ids}); err == nil {
			committed, err = catalog.Read(draft)
		}
		return err
	}); err != nil {
		return fmt.Errorf("%w, and is still in the catalog: %w: %w", refusal, persist.ErrIndeterminate, err)
	}
	var opened []persist.ShardID
	for _, r := range n.records {
		opened = append(opened, r.shard)
	}
	c.releaseRetired(committed, opened...)
	return refusal
}

// releaseRetired starts to give up those of the shards that the catalog lists as
// given up, and that no collection has: their since becomes {}.
func (c *Controller) releaseRetired(committed catalog.Metadata, shards ...persist.ShardID) {
	used := make(map[persist.ShardID]bool, len(committed.Shards))
	for _, shard := range committed.Shards {
		used[shard] = true
	}
	retired := slices.DeleteFunc(slices.Clone(shards), func(shard persist.ShardID) bool {
		return used[shard] || !slices.Contains(committed.Unfinalized, shard)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(retired) == 0 || c.refusal() != nil {
		return
	}
	c.group.Go("release", func(ctx context.Context) error {
		for _, shard := range retired {
			if err := c.release(ctx, shard); err != nil {
				c.rt.Logger().Warn("shard not released", "shard", shard, "error", err)
			}
		}
		return nil
	})
}

func (c *Controller) release(ctx context.Context, shard persist.ShardID) error {
	_, err := c.openSince(ctx, shard, frontier.Empty())
	if errors.Is(err, ErrFenced) {
		return c.fail(err)
	}
	return err
}
