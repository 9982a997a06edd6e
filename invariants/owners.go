package invariants

import (
	"errors"
	"sync"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Owners is a record of what the owners of one critical capability were told,
// kept outside the shard. It hands out the epochs. It is safe for concurrent use.
type Owners struct {
	mu        sync.Mutex //sim:allow native-lock because nothing parks while it is held
	epoch     uint64
	succeeded uint64             // the greatest epoch that moved the capability
	since     frontier.Antichain // acknowledged
	wanted    frontier.Antichain // the greatest that was asked for
}

// NewOwners returns an empty record.
func NewOwners() *Owners { return &Owners{} }

// NextEpoch returns an epoch beyond all others.
func (o *Owners) NextEpoch() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
	return o.epoch
}

// Since returns the greatest since that an owner was told.
func (o *Owners) Since() frontier.Antichain {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.since
}

// Downgrade is one call that is under way.
type Downgrade struct {
	owners    *Owners
	epoch     uint64
	opaque    persist.Opaque
	asked     frontier.Antichain
	succeeded uint64
	since     frontier.Antichain
}

// Begin notes that an owner, who leaves an opaque of its own, asks for a since.
func (o *Owners) Begin(epoch uint64, opaque persist.Opaque, since frontier.Antichain) *Downgrade {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wanted = o.wanted.Join(since)
	return &Downgrade{o, epoch, opaque, since, o.succeeded, o.since}
}

// End notes the answer. It asserts that an owner does not succeed after a newer
// one has and is not fenced by itself (P-34), that the since is at least what was
// asked for and what others were told before, and that it is nobody's invention
// (P-32).
func (d *Downgrade) End(rt *runtime.Runtime, since frontier.Antichain, err error) {
	var other *persist.OwnerError
	if errors.As(err, &other) {
		rt.Always(other.Actual != d.opaque, "P-34", "epoch", d.epoch, "told", "fenced by itself")
	}
	if err != nil {
		return
	}
	rt.Always(d.succeeded <= d.epoch, "P-34", "epoch", d.epoch, "newer", d.succeeded)
	rt.Always(d.asked.Join(d.since).LessEqual(since), "P-32", "asked", d.asked, "told", d.since, "got", since)
	o := d.owners
	o.mu.Lock()
	o.succeeded = max(o.succeeded, d.epoch)
	o.since = o.since.Join(since)
	wanted := o.wanted
	o.mu.Unlock()
	rt.Always(since.LessEqual(wanted), "P-32", "got", since, "wanted", wanted)
}

// Refused asserts that a read was refused for a reason: the since is beyond the
// time, and somebody has asked for it (P-29).
func (o *Owners) Refused(rt *runtime.Runtime, asOf uint64, since frontier.Antichain) {
	o.mu.Lock()
	wanted := o.wanted
	o.mu.Unlock()
	rt.Always(!since.LessEqualTime(asOf) && since.LessEqual(wanted), "P-29", "asOf", asOf, "since", since)
}

// Audit asserts that the shard knows at least what owners were told, and that
// its since is that of the only capability (P-13).
func (o *Owners) Audit(rt *runtime.Runtime, stored persist.Inspection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	rt.Always(o.since.LessEqual(stored.Since) && stored.Since.LessEqual(o.wanted), "P-32",
		"told", o.since, "stored", stored.Since)
	rt.Always(len(stored.Critical) > 0, "P-13", "capabilities", "none")
	for _, r := range stored.Critical {
		rt.Always(stored.Since == r.Since, "P-13", "shard", stored.Since, "capability", r.Since)
	}
}
