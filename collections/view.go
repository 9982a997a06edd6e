package collections

import (
	"github.com/tidwall/btree"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// view is what is visible of a controller without its lock: all as of one moment,
// never changed after that. Views share what they have in common.
type view struct {
	version  uint64
	tree     *btree.BTreeG[*CollectionInspection] // never written to
	reserved []HoldInspection
	ended    error
}

// Inspection is all there is about a controller, as of one moment, for people and
// checkers. It is a copy, apart from what nobody changes.
type Inspection struct {
	// Version counts the changes that were made.
	Version uint64
	Epoch   int64
	// Ended is why no call succeeds any more; nil as long as they do.
	Ended error
	// Collections are in the order of their ids.
	Collections []CollectionInspection
	// Holds are the open ones, in the order in which they were issued.
	Holds []HoldInspection
	// Reserved are the holds of creations that are under way on dependencies.
	Reserved []HoldInspection
	// Unapplied are the changes of holds that are still to be applied, by id.
	Unapplied []HoldChange
}

// CollectionInspection is all about one collection.
type CollectionInspection struct {
	Frontiers
	Policy ReadPolicy
	// DependsOn are the collections that this one holds back.
	DependsOn []GlobalID
	// Capabilities are all that keep the collection back, Held those of holds, by
	// time.
	Capabilities, Held []frontier.Change
	Shard              persist.ShardID
	// Wanted is the since that is to be durable, Durable the one known to be.
	Wanted, Durable frontier.Antichain
	// IsMoving says that a downgrade is waiting or under way.
	IsMoving bool
	// IsDropping says that only holds and dependents keep the collection.
	IsDropping bool
	// IsRemoved says that the collection is gone, but its last downgrade is not known
	// to be durable. Frontiers and capabilities are empty then.
	IsRemoved bool
	// IsWatched says that a task follows the upper of the shard.
	IsWatched bool
	// Broken is the error that has ended all work on the shard.
	Broken error
}

// HoldInspection describes a hold.
type HoldInspection struct {
	ID    GlobalID
	Since frontier.Antichain
	// Origin says who has acquired it.
	Origin string
}

// HoldChange is a change of the capabilities that holds have on a collection.
type HoldChange = core.HoldChange

func newTree() *btree.BTreeG[*CollectionInspection] {
	return btree.NewBTreeGOptions(func(a, b *CollectionInspection) bool {
		return a.ID.Compare(b.ID) < 0
	}, btree.Options{NoLocks: true})
}

// publish makes visible what has changed about some collections, under the lock.
// also runs in the same moment. If anybody wants to know of each step it returns
// what is visible now.
func (c *Controller) publish(also func(), changed ...GlobalID) *Inspection {
	for _, id := range changed {
		if r := c.records[id]; r != nil {
			c.tree.Set(c.inspectRecord(r))
		} else {
			c.tree.Delete(&CollectionInspection{Frontiers: Frontiers{ID: id}})
		}
	}
	c.version++
	next := &view{version: c.version, tree: c.tree.Copy(), ended: c.ended}
	for _, r := range c.reservations {
		for id, since := range r.Held() {
			next.reserved = append(next.reserved, HoldInspection{ID: id, Since: since, Origin: "create"})
		}
	}
	c.issuer.mu.Lock() // so that holds and capabilities change in one moment
	defer c.issuer.mu.Unlock()
	if also != nil {
		also()
	}
	c.view.Store(next)
	if c.config.Events.Stepped == nil {
		return nil
	}
	seen := c.inspectLocked()
	return &seen
}

// inspectRecord collects all about one collection, under the lock.
func (c *Controller) inspectRecord(r *record) *CollectionInspection {
	seen := &CollectionInspection{
		Frontiers: Frontiers{ID: r.id, Upper: frontier.Empty(), Implied: frontier.Empty(), Read: frontier.Empty()},
		Shard:     r.shard, Wanted: r.wanted, Durable: r.durable,
		IsMoving: r.isQueued || r.isBusy, IsDropping: r.isDropping, IsRemoved: r.isRemoved,
		IsWatched: r.isWatched, Broken: r.broken,
	}
	if inside, err := c.core.Inspect(r.id); err == nil {
		seen.Frontiers, seen.Policy, seen.DependsOn = inside.Frontiers, inside.Policy, inside.Dependencies
		seen.Capabilities, seen.Held = inside.Capabilities, inside.Holds
		seen.IsDropping = seen.IsDropping || inside.IsDropping()
	}
	return seen
}

// Inspect returns all about the controller. It never waits, and changes nothing; it
// costs as much as there are collections and holds.
func (c *Controller) Inspect() Inspection {
	c.issuer.mu.Lock()
	defer c.issuer.mu.Unlock()
	return c.inspectLocked()
}

// inspectLocked is Inspect under the lock of the issuer.
func (c *Controller) inspectLocked() Inspection {
	v := c.view.Load()
	seen := Inspection{
		Version: v.version, Epoch: c.epoch, Ended: v.ended, Reserved: v.reserved,
		Collections: make([]CollectionInspection, 0, v.tree.Len()),
		Holds:       c.issuer.openHolds(), Unapplied: c.issuer.unapplied(),
	}
	v.tree.Scan(func(one *CollectionInspection) bool {
		seen.Collections = append(seen.Collections, *one)
		return true
	})
	return seen
}

// Frontiers returns where the given collections are, as of one moment and in the
// order of the arguments, repeated ones included. It never waits. If one does not
// exist the error is a [*CollectionMissingError] about the first of those.
func (c *Controller) Frontiers(ids ...GlobalID) ([]Frontiers, error) {
	v := c.view.Load()
	if v.ended != nil {
		return nil, v.ended
	}
	all := make([]Frontiers, len(ids))
	for i, id := range ids {
		one, found := v.tree.Get(&CollectionInspection{Frontiers: Frontiers{ID: id}})
		if !found || one.IsRemoved {
			return nil, &CollectionMissingError{ID: id}
		}
		all[i] = one.Frontiers
	}
	return all, nil
}

// IDs returns the ids of all collections, in their order, those that are being
// dropped included. It never waits.
func (c *Controller) IDs() []GlobalID {
	var ids []GlobalID
	c.view.Load().tree.Scan(func(one *CollectionInspection) bool {
		if !one.IsRemoved {
			ids = append(ids, one.ID)
		}
		return true
	})
	return ids
}
