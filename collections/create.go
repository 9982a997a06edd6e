package collections

import (
	"context"
	"errors"
	"slices"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// Create creates collections, which may depend on each other and on existing ones.
// It prepares and commits them in the catalog, and installs them: all of them come
// into being in one moment, which is before Create returns.
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
	return c.end(in, c.create(in.ctx, descriptions, func(ctx context.Context) (catalog.Metadata, error) {
		return c.commitCreation(ctx, descriptions)
	}))
}

// Install creates collections that were prepared by [Controller.Prepare] and
// committed: all in one moment, or none. Metadata is what is committed now. At the
// start of a program everything that its catalog has is to be installed in one call.
//
// The error is a [*NotMappedError] if a collection has no shard; apart from that it
// is as with [Controller.Create]. Installing again what is there does nothing.
func (c *Controller) Install(ctx context.Context, committed catalog.Metadata, descriptions ...Description) error {
	in, err := c.begin(ctx)
	if err != nil {
		return err
	}
	return c.end(in, c.create(in.ctx, descriptions, func(context.Context) (catalog.Metadata, error) {
		return committed, nil
	}))
}

// creation is a set of collections on the way into being.
type creation struct {
	descriptions []Description // of the new ones
	reservation  *core.Reservation
	records      []*record
	openings     []core.Opening
}

// create reserves ids, finds out shards by commit, opens them, and installs.
func (c *Controller) create(
	ctx context.Context, descriptions []Description, commit func(context.Context) (catalog.Metadata, error),
) error {
	n, err := c.reserve(descriptions)
	if err != nil || len(n.descriptions) == 0 {
		return err
	}
	committed, err := commit(ctx)
	if err == nil {
		err = c.openShards(ctx, n, committed)
	}
	if err == nil {
		return c.install(n)
	}
	c.abandon(n)
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
	group := c.rt.NewGroup(ctx)
	for i, r := range n.records {
		group.Go("open", func(ctx context.Context) error {
			if err := c.opens.Acquire(ctx, 1); err != nil {
				return err
			}
			defer c.opens.Release(1)
			opening, err := c.openShard(ctx, r)
			n.openings[i] = opening
			return err
		})
	}
	err := group.Wait()
	if errors.Is(err, ErrFenced) {
		err = c.fail(err)
	}
	return err
}

// openShard opens one shard. The upper is read after the since: a writer that goes
// on in between would otherwise make it look as if nothing could be read.
func (c *Controller) openShard(ctx context.Context, r *record) (core.Opening, error) {
	var err error
	if r.since, err = c.openSince(ctx, r.shard, r.description.Since); err != nil {
		return core.Opening{}, err
	}
	r.durable = r.since.Since()
	r.wanted = r.durable
	if r.reader, err = c.client.OpenReader(ctx, r.shard); err != nil {
		return core.Opening{}, err
	}
	upper, err := r.reader.FetchRecentUpper(ctx)
	return core.Opening{ID: r.id, Since: r.durable, Upper: upper}, err
}

// install makes a creation come into being.
func (c *Controller) install(n *creation) error {
	effects, err := c.step(func(k *core.Core) (core.Effects, error) {
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
		if err := r.reader.WaitForUpperPast(ctx, upper); err != nil {
			return err
		}
		upper = r.reader.SharedUpper()
		if _, err := c.step(func(k *core.Core) (core.Effects, error) {
			return k.ReportUppers(core.UpperReport{ID: r.id, Upper: upper})
		}, nil); err != nil {
			return err
		}
	}
	return nil
}

// commitCreation makes the intent to create durable, and returns what is committed.
func (c *Controller) commitCreation(ctx context.Context, descriptions []Description) (catalog.Metadata, error) {
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
		for _, d := range descriptions {
			if _, isMapped := shards[d.ID]; !isMapped {
				change.Create = append(change.Create, d.ID)
			} else if !slices.ContainsFunc(described, d.Equal) {
				return &IDReusedError{ID: d.ID}
			}
		}
		if err := c.prepare(draft, change); err != nil {
			return err
		}
		for _, d := range descriptions {
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

// releaseRetired starts to give up the shards that were given up in the catalog,
// by a process that did not get to it: their since becomes {}.
func (c *Controller) releaseRetired(committed catalog.Metadata) {
	used := make(map[persist.ShardID]bool, len(committed.Shards))
	for _, shard := range committed.Shards { //sim:allow map-range because it fills a set
		used[shard] = true
	}
	retired := slices.DeleteFunc(slices.Clone(committed.Unfinalized), func(shard persist.ShardID) bool {
		return used[shard] // a stale entry
	})
	if len(retired) == 0 {
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
