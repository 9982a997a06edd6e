package collections

import (
	"cmp"
	"fmt"
	"log/slog"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// Config configures a [Controller]. The zero value of each field is its default.
type Config struct {
	// Catalog is where it is durable which collections exist. Programs with a
	// catalog of their own leave it nil, set Epoch, and use [Controller.Prepare],
	// [Controller.Install] and [Controller.Remove]. If both are unset the
	// controller makes a [catalog.Memory], which ends with it.
	Catalog catalog.Catalog
	// Epoch is that of the process, if it does not come from Catalog: not 0, and
	// greater than that of every process before.
	Epoch int64
	// OpensMax is how many shards are opened at the same time. The default is 50.
	OpensMax int
	// DowngradesMax is how many durable sinces are moved at the same time. The
	// default is 16.
	DowngradesMax int
	// Supervisor is told, once, of the error that has ended the controller: one
	// that wraps [ErrFenced] or [ErrInvariant]. As a rule it ends the process. It
	// must not call the controller, except for Inspect and Err.
	Supervisor func(fatal error)
	// Events are told what happens.
	Events Events
}

// Validate returns the first thing that is wrong with the configuration. Its error
// wraps [persist.ErrUsage].
func (c Config) Validate() error {
	switch {
	case c.OpensMax < 0:
		return fmt.Errorf("collections: OpensMax %d is negative: %w", c.OpensMax, persist.ErrUsage)
	case c.DowngradesMax < 0:
		return fmt.Errorf("collections: DowngradesMax %d is negative: %w", c.DowngradesMax, persist.ErrUsage)
	case c.Catalog != nil && c.Epoch != 0:
		return fmt.Errorf("collections: an epoch beside a catalog, which gives one: %w", persist.ErrUsage)
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.OpensMax = cmp.Or(c.OpensMax, 50)
	c.DowngradesMax = cmp.Or(c.DowngradesMax, 16)
	return c
}

// Events are called when something has happened, by the task that did it, while it
// holds no lock. Unset ones are not called. They must return soon and must not call
// the controller, except for Inspect and Err.
type Events struct {
	// Stepped is called after each step, with all there was at that moment. It is
	// for checkers: it makes each step cost as much as there are collections and
	// holds. Steps of different tasks may be told out of order;
	// [Inspection.Version] says it.
	Stepped func(Inspection)
	// Downgraded is called when the since of a shard has moved durably: for each
	// collection in the order of its sinces, and before an inspection shows it.
	Downgraded func(id GlobalID, shard persist.ShardID, since frontier.Antichain)
	// PromiseBroken is called when a collection has been installed whose dependencies
	// had not been kept for it. It can be read; but whoever writes it cannot tell
	// any more what it has written already.
	PromiseBroken func(BrokenPromise)
	// HoldLeaked is called when a hold was collected as garbage without having been
	// closed, which closes it. It never is under a scheduler.
	HoldLeaked func(HoldInspection)
}

// LoggingEvents returns events that write to a log.
func LoggingEvents(log *slog.Logger) Events {
	return Events{
		Downgraded: func(id GlobalID, shard persist.ShardID, since frontier.Antichain) {
			log.Info("since moved", "collection", id, "shard", shard, "since", since)
		},
		PromiseBroken: func(b BrokenPromise) {
			log.Error("a dependency was not kept", "collection", b.ID, "dependency", b.Dependency,
				"since", b.Since, "upper", b.Upper, "implied", b.Implied)
		},
		HoldLeaked: func(h HoldInspection) {
			log.Warn("hold leaked", "collection", h.ID, "since", h.Since, "origin", h.Origin)
		},
	}
}
