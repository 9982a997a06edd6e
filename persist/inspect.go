package persist

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Inspection is what is stored about a shard, as of one version: everything but
// rows. It is a copy; nobody else uses it.
type Inspection struct {
	Shard ShardID
	SeqNo SeqNo
	// Format is the version of the format in which it is stored.
	Format uint64
	// WalltimeMS is when the version was made, in milliseconds since the Unix
	// epoch, and Hostname by whom.
	WalltimeMS   uint64
	Hostname     string
	Since, Upper frontier.Antichain
	// Critical are the capabilities that end by being given up, in order of
	// their ids.
	Critical []InspectedReader
	// Leased are those that end with their lease.
	Leased []InspectedReader
	// Writers are those who have appended lately.
	Writers []InspectedWriter
	// Batches describe the contents, oldest first.
	Batches []InspectedBatch
	// Rollups are the keys of the copies of the state, oldest first.
	Rollups []string
	// IsTombstone says that the shard has come to its end, and IsFinalized that it
	// has given up its contents, too.
	IsTombstone, IsFinalized bool
}

// InspectedReader is a capability to read.
type InspectedReader struct {
	// ID is the text of the id.
	ID string
	// Since is from when on it can read.
	Since frontier.Antichain
	// Opaque is what the owner of a critical capability has left behind.
	Opaque Opaque
	// Hold is the version whose objects a leased reader still needs.
	Hold          SeqNo
	Host, Purpose string
}

// InspectedWriter is what a shard remembers of a writer.
type InspectedWriter struct {
	ID string
	// Token is that of its latest committed append, and Upper what that has made
	// the upper.
	Token         string
	Upper         frontier.Antichain
	Host, Purpose string
}

// InspectedBatch describes updates.
type InspectedBatch struct {
	// Lower, Upper and Since: the batch has the updates from Lower to Upper, with
	// times that may have been advanced to Since.
	Lower, Upper, Since frontier.Antichain
	// Updates is their number, Bytes their encoded size, Parts the number of
	// parts they are in.
	Updates, Bytes uint64
	Parts          int
	// Inlined is how many of the bytes are in the metadata itself and not in objects.
	Inlined uint64
	// KeyIDs name the keys with which parts of it are encrypted, in order; empty if
	// none is.
	KeyIDs []string
}

// Decode returns the version to which stored bytes lead: a rollup, and the log
// behind it. Without a rollup the log has to begin with version 1. It needs
// neither a client nor a store; checkers read with it what is stored. Errors wrap
// [ErrCorruption] or are a [*VersionError].
func Decode(rollup []byte, log []Versioned) (Inspection, error) {
	f := &Follower{}
	if rollup != nil {
		s, err := state.DecodeRollup(rollup)
		if err != nil {
			return Inspection{}, err
		}
		f.state = s
	}
	for _, v := range log {
		if err := f.Apply(v); err != nil {
			return Inspection{}, err
		}
	}
	return f.Inspect()
}

// Follower decodes the log of a shard version by version, from version 1. The
// zero value is before that. It is used by one task at a time.
type Follower struct {
	state *state.State
	diff  *state.Diff // that led to it
}

// Change says which objects came to be referred to by a version, and which ceased
// to be. The keys are those of the [Blob].
type Change struct {
	PartsAdded, PartsDropped     []string
	RollupsAdded, RollupsDropped []string
}

// Apply takes the next version. Those before it are passed over. Its errors are
// those of [Decode]; they leave the follower as it was.
func (f *Follower) Apply(v Versioned) error {
	base := f.now()
	if v.SeqNo <= base.SeqNo() {
		return nil
	}
	if v.SeqNo > base.SeqNo()+1 {
		return fmt.Errorf("%w: %w", ErrCorruption, &state.TruncatedError{Have: base.SeqNo(), Earliest: v.SeqNo})
	}
	next, diff, err := state.Follow(base, v.SeqNo, v.Data)
	var version *VersionError
	switch {
	case errors.As(err, &version):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrCorruption, err)
	}
	f.state, f.diff = next, diff
	return nil
}

// Change returns what the version that was applied last has changed.
func (f *Follower) Change() Change {
	if f.diff == nil {
		return Change{}
	}
	shard := f.state.Shard().String()
	return Change{
		PartsAdded: objectKeys(shard, f.diff.AddedParts()), PartsDropped: objectKeys(shard, f.diff.DroppedParts()),
		RollupsAdded: objectKeys(shard, f.diff.AddedRollups()), RollupsDropped: objectKeys(shard, f.diff.DroppedRollups()),
	}
}

// objectKey returns the key in the store of an object that a shard names.
func objectKey[K ~string](shard string, key K) string { return shard + "/" + string(key) }

// objectKeys is objectKey for many.
func objectKeys[K ~string](shard string, keys []K) []string {
	var all []string
	for _, key := range keys {
		all = append(all, objectKey(shard, key))
	}
	return all
}

// Leased returns the capabilities that end with their lease, in order of their ids.
func (f *Follower) Leased() []InspectedReader { return inspectLeased(f.now()) }

// Critical returns the capabilities that end by being given up, in order of their
// ids.
func (f *Follower) Critical() []InspectedReader { return inspectCritical(f.now()) }

// IsTombstone reports whether the shard has come to its end.
func (f *Follower) IsTombstone() bool { return f.now().IsTombstone() }

// IsFinalized reports whether the shard has come to its end and given up its
// contents.
func (f *Follower) IsFinalized() bool { return f.now().IsFinalized() }

// HasRollup reports whether a copy of a version is listed.
func (f *Follower) HasRollup(n SeqNo) bool { return f.now().Rollups().Lookup(n) != nil }

func (f *Follower) now() *state.State {
	if f.state == nil {
		f.state = new(state.State)
	}
	return f.state
}

// SeqNo returns the version that was reached.
func (f *Follower) SeqNo() SeqNo { return f.now().SeqNo() }

// Format returns the format in which that version is stored.
func (f *Follower) Format() uint64 { return uint64(f.now().Header().Version) }

// Since returns the since of that version.
func (f *Follower) Since() frontier.Antichain { return f.now().Since() }

// Upper returns the upper of that version.
func (f *Follower) Upper() frontier.Antichain { return f.now().Upper() }

// Inlined returns how many bytes of batches that version has in itself.
func (f *Follower) Inlined() uint64 { return f.now().Batches().Totals().InlineSize }

// WalltimeMS returns when that version was made, in milliseconds since the Unix
// epoch.
func (f *Follower) WalltimeMS() uint64 { return f.now().Header().WalltimeMS }

// Inspect returns all about that version, after checking that it is consistent.
func (f *Follower) Inspect() (Inspection, error) {
	if err := f.now().Check(); err != nil {
		return Inspection{}, fmt.Errorf("%w: %w", ErrCorruption, err)
	}
	return inspect(f.state), nil
}

// Inspect reads the newest version of a shard. It changes nothing. The error
// wraps [ErrNotFound] if the shard does not exist.
func (c *Client) Inspect(ctx context.Context, shard ShardID) (Inspection, error) {
	s, err := newMachine(c, shard).fetch(ctx)
	switch {
	case err != nil:
		return Inspection{}, fmt.Errorf("persist: inspect %v: %w", shard, err)
	case s == nil:
		return Inspection{}, fmt.Errorf("persist: inspect %v: %w", shard, ErrNotFound)
	}
	return inspect(s), nil
}

func inspect(s *state.State) Inspection {
	header := s.Header()
	i := Inspection{
		Shard: header.Shard, SeqNo: header.SeqNo, Format: uint64(header.Version),
		WalltimeMS: header.WalltimeMS, Hostname: header.Hostname,
		Since: s.Since(), Upper: s.Upper(), IsTombstone: s.IsTombstone(),
		IsFinalized: s.IsFinalized(),
	}
	i.Critical = inspectCritical(s)
	i.Leased = inspectLeased(s)
	for id, w := range s.Writers().All() {
		i.Writers = append(i.Writers, InspectedWriter{
			ID: id.String(), Token: w.Token.String(), Upper: w.Upper, Host: w.Debug.Host, Purpose: w.Debug.Purpose,
		})
	}
	for _, r := range s.Rollups().All() {
		i.Rollups = append(i.Rollups, string(r.Key))
	}
	for _, b := range s.Batches().Shared() {
		batch := InspectedBatch{
			Lower: b.Desc.Lower, Upper: b.Desc.Upper, Since: b.Desc.Since, Updates: b.Length, Bytes: b.EncodedSize,
			Inlined: b.InlineSize(),
		}
		for _, run := range b.Runs {
			batch.Parts += len(run.Parts)
			for _, p := range run.Parts {
				if p.IsEncrypted() {
					batch.KeyIDs = append(batch.KeyIDs, p.KeyID)
				}
			}
		}
		slices.Sort(batch.KeyIDs)
		batch.KeyIDs = slices.Compact(batch.KeyIDs)
		i.Batches = append(i.Batches, batch)
	}
	return i
}

func inspectCritical(s *state.State) (all []InspectedReader) {
	for id, r := range s.CriticalReaders().All() {
		all = append(all, InspectedReader{
			ID: id.String(), Since: r.Since, Opaque: r.Opaque, Host: r.Debug.Host, Purpose: r.Debug.Purpose,
		})
	}
	return all
}

func inspectLeased(s *state.State) (all []InspectedReader) {
	for id, r := range s.LeasedReaders().All() {
		all = append(all, InspectedReader{
			ID: id.String(), Since: r.Since, Hold: r.Hold, Host: r.Debug.Host, Purpose: r.Debug.Purpose,
		})
	}
	return all
}
