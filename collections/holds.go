package collections

import (
	"context"
	"errors"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Hold keeps a collection readable from its since on, durably: while it is open,
// neither policies nor drops take that away. It ends with its process. It is safe
// for concurrent use.
type Hold struct {
	token *token
}

// Holds are holds that were acquired together.
type Holds []*Hold

// Close closes all of them.
func (h Holds) Close() {
	for _, hold := range h {
		hold.Close()
	}
}

// token is a hold as the issuer knows it, which does not keep the Hold alive.
type token struct {
	issuer *issuer
	serial uint64
	hold   *core.Hold // guarded by the issuer's mutex
	origin string
}

// ID returns the collection that is held.
func (h *Hold) ID() GlobalID { return h.token.hold.ID() }

// Since returns from where on the hold keeps the collection readable; {} when it is
// closed.
func (h *Hold) Since() frontier.Antichain {
	i := h.token.issuer
	i.mu.Lock()
	defer i.mu.Unlock()
	return h.token.hold.Since()
}

// Downgrade moves the hold on. The error is a [*SinceViolationError] if that would
// move it back, [ErrHoldClosed] if it is closed, or the one that has ended the
// controller; nothing happens then.
func (h *Hold) Downgrade(to frontier.Antichain) error {
	return h.token.issuer.change(func() (HoldChange, error) { return h.token.hold.Downgrade(to) })
}

// Clone returns another hold on the same collection from the same since on. The
// errors are those of Downgrade.
func (h *Hold) Clone() (*Hold, error) {
	var clone *Hold
	i := h.token.issuer
	err := i.change(func() (HoldChange, error) {
		second, change, err := h.token.hold.Clone()
		if err == nil {
			clone = i.register(second, h.token.origin)
		}
		return change, err
	})
	return clone, err
}

// Merge makes h hold what both have held, and closes other. The error is
// [ErrHoldClosed] if one is closed, [ErrWrongIssuer] or a [*WrongCollectionError] if
// they do not belong together; nothing happens then.
func (h *Hold) Merge(other *Hold) error {
	if other == nil {
		return ErrHoldClosed
	}
	i := h.token.issuer
	if other.token.issuer != i {
		return ErrWrongIssuer
	}
	return i.change(func() (HoldChange, error) {
		change, err := h.token.hold.Merge(other.token.hold)
		if err == nil && other != h {
			delete(i.open, other.token.serial)
		}
		return change, err
	})
}

// Close gives the hold up. Closing it again does nothing, also when several tasks
// do so at once.
func (h *Hold) Close() { h.token.close() }

func (t *token) close() {
	i := t.issuer
	i.mu.Lock()
	i.send(t.hold.Close())
	delete(i.open, t.serial)
	i.mu.Unlock()
	i.wake.TrySend(struct{}{})
}

// issuer registers the holds of a controller and collects their changes: those of
// one collection are added up, so that it needs memory for collections and distinct
// times, and closing a hold never waits. An increment and a later decrement meet in
// the same sum; none overtakes the other.
type issuer struct {
	wake   *runtime.Chan[struct{}] // of one: there may be changes
	leaked func(HoldInspection)    // nil if nobody wants to know, or under a scheduler

	mu sync.Mutex //sim:allow native-lock because nothing parks while it is held
	// pending are the changes to apply, dirty their ids in order of arrival;
	// applying those that are being applied.
	pending  map[GlobalID]*HoldChange
	dirty    []GlobalID
	applying []HoldChange
	open     map[uint64]*token
	issued   uint64
	ended    error // why there are no more changes
	isLive   bool
}

func newIssuer(rt *runtime.Runtime, leaked func(HoldInspection)) *issuer {
	return &issuer{
		wake: runtime.NewChan[struct{}](rt, 1), leaked: leaked, isLive: rt.Live(),
		pending: make(map[GlobalID]*HoldChange), open: make(map[uint64]*token),
	}
}

// register makes a hold of the core one of this package, under the mutex.
func (i *issuer) register(hold *core.Hold, origin string) *Hold {
	i.issued++
	t := &token{issuer: i, serial: i.issued, hold: hold, origin: origin}
	i.open[t.serial] = t
	h := &Hold{t}
	if i.isLive {
		//sim:allow goruntime because when garbage is collected is no choice of a scheduler, and it is for live use only
		goruntime.AddCleanup(h, func(t *token) { t.leak() }, t)
	}
	return h
}

// leak closes the token of a hold that nobody can close any more.
func (t *token) leak() {
	t.issuer.mu.Lock()
	_, isOpen := t.issuer.open[t.serial]
	lost := HoldInspection{ID: t.hold.ID(), Since: t.hold.Since(), Origin: t.origin}
	t.issuer.mu.Unlock()
	if !isOpen {
		return
	}
	t.close()
	if t.issuer.leaked != nil {
		t.issuer.leaked(lost)
	}
}

// change makes a change of a hold and sends it.
func (i *issuer) change(make func() (HoldChange, error)) error {
	i.mu.Lock()
	err := i.ended
	if err == nil {
		var change HoldChange
		if change, err = make(); err == nil {
			i.send(change)
		}
	}
	i.mu.Unlock()
	i.wake.TrySend(struct{}{})
	return err
}

// send adds a change to those that are to be applied, under the mutex.
func (i *issuer) send(change HoldChange) {
	if i.ended != nil || change.Changes.IsEmpty() {
		return
	}
	if sum, ok := i.pending[change.ID]; ok {
		// Each sum counts holds that exist or have existed: it cannot overflow.
		_ = sum.Changes.Merge(&change.Changes)
		return
	}
	i.pending[change.ID] = &change
	i.dirty = append(i.dirty, change.ID)
}

// take returns all changes that are to be applied. They are unapplied until
// applied is called.
func (i *issuer) take() []HoldChange {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, id := range i.dirty {
		if change := i.pending[id]; !change.Changes.IsEmpty() {
			i.applying = append(i.applying, *change)
		}
	}
	clear(i.pending)
	i.dirty = i.dirty[:0]
	return i.applying
}

// applied forgets the changes that were taken, under the mutex.
func (i *issuer) applied() { i.applying = nil }

// unapplied returns the changes that are still to be applied, by id, under the
// mutex.
func (i *issuer) unapplied() []HoldChange {
	var all []HoldChange
	for _, change := range i.applying {
		all = append(all, HoldChange{ID: change.ID, Changes: change.Changes.Clone()})
	}
	for _, id := range i.dirty {
		if change := i.pending[id]; !change.Changes.IsEmpty() {
			all = append(all, HoldChange{ID: id, Changes: change.Changes.Clone()})
		}
	}
	slices.SortStableFunc(all, func(a, b HoldChange) int { return a.ID.Compare(b.ID) })
	return all
}

// openHolds returns the open holds in the order in which they were issued, under
// the mutex.
func (i *issuer) openHolds() []HoldInspection {
	serials := make([]uint64, 0, len(i.open))
	for serial := range i.open {
		serials = append(serials, serial)
	}
	slices.Sort(serials)
	all := make([]HoldInspection, len(serials))
	for n, serial := range serials {
		t := i.open[serial]
		all[n] = HoldInspection{ID: t.hold.ID(), Since: t.hold.Since(), Origin: t.origin}
	}
	return all
}

// end makes all later changes of holds fail with an error, except that closing
// does nothing. It returns the holds that are open.
func (i *issuer) end(err error) []HoldInspection {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended == nil {
		i.ended = err
	}
	return i.openHolds()
}

// Hold acquires a hold on each of the given collections, in the order of the
// arguments and one for each, repeated ones included: all from where the collection
// can be read now, and all as of one moment. If one does not exist the error is a
// [*CollectionMissingError] about the first of those, and nothing is held.
//
// To find out what can be read, acquire first and look at the since of the hold.
func (c *Controller) Hold(ctx context.Context, ids ...GlobalID) (Holds, error) {
	return c.acquire(ctx, func(k *core.Core) ([]*core.Hold, error) { return k.Acquire(ids...) })
}

// HoldAt acquires a hold from a given frontier on. If the collection cannot be read
// there any more, the error is a [*SinceViolationError]; if it does not exist, a
// [*CollectionMissingError].
func (c *Controller) HoldAt(ctx context.Context, id GlobalID, since frontier.Antichain) (*Hold, error) {
	holds, err := c.acquire(ctx, func(k *core.Core) ([]*core.Hold, error) {
		hold, err := k.AcquireAt(id, since)
		return []*core.Hold{hold}, err
	})
	if err != nil {
		return nil, err
	}
	return holds[0], nil
}

func (c *Controller) acquire(
	ctx context.Context, get func(*core.Core) ([]*core.Hold, error),
) (holds Holds, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var acquired []*core.Hold
	_, err = c.step(func(k *core.Core) (core.Effects, error) {
		if c.closing {
			return core.Effects{}, ErrClosed
		}
		acquired, err = get(k)
		return core.Effects{}, err
	}, func() {
		for _, hold := range acquired {
			holds = append(holds, c.issuer.register(hold, origin()))
		}
	})
	return holds, err
}

// holdsStall is for how long changes of holds pile up in the runs of a simulator
// that want to see that.
const holdsStall = 100 * time.Millisecond

// origin names the function outside of this package that called it. Closures go by
// the function around them, because their own names depend on the compiler.
func origin() string {
	var callers [16]uintptr
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, ownPackage) || !more {
			name, _, _ := strings.Cut(frame.Function, ".func")
			return name
		}
	}
}

const ownPackage = "github.com/tidemarkdb/tidemark/collections."

// applyHoldChanges is the task that applies the changes of holds.
func (c *Controller) applyHoldChanges(ctx context.Context) error {
	for {
		if _, err := c.issuer.wake.Recv(ctx); err != nil {
			return nil
		}
		if c.rt.Buggify("collections-holds-stall") {
			if err := c.rt.Sleep(ctx, holdsStall); err != nil {
				return nil
			}
		}
		if err := c.drainHoldChanges(); err != nil {
			return nil
		}
	}
}

// drainHoldChanges applies all changes of holds that were sent.
func (c *Controller) drainHoldChanges() error {
	_, err := c.step(func(k *core.Core) (core.Effects, error) {
		effects, err := k.ApplyHoldChanges(c.issuer.take()...)
		if err != nil && !errors.Is(err, ErrInvariant) { // holds have sent what they cannot have meant
			err = &InvariantError{Invariant: "I-1", Details: err.Error()}
		}
		return effects, err
	}, c.issuer.applied)
	return err
}
