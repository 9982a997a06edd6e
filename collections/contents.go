package collections

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// Snapshot returns the contents of a collection as of a time: consolidated, in the
// order of the rows, each with asOf as its time. It waits until the upper is beyond
// asOf, and holds the collection for as long as it reads. What it yields is the
// caller's.
//
// It yields one error, as its last, if it fails: a [*CollectionMissingError], a
// [*ReadBeforeSinceError], the error of ctx, or one that has ended the controller.
func (c *Controller) Snapshot(ctx context.Context, id GlobalID, asOf uint64) iter.Seq2[persist.Update, error] {
	return func(yield func(persist.Update, error) bool) {
		updates, err := c.snapshot(ctx, id, asOf)
		if err != nil {
			yield(persist.Update{}, err)
			return
		}
		for _, u := range updates {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (c *Controller) snapshot(ctx context.Context, id GlobalID, asOf uint64) ([]persist.Update, error) {
	in, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	updates, err := c.read(in.ctx, id, asOf)
	return updates, c.end(in, err)
}

func (c *Controller) read(ctx context.Context, id GlobalID, asOf uint64) ([]persist.Update, error) {
	hold, err := c.HoldAt(ctx, id, frontier.At(asOf))
	var violation *SinceViolationError
	if errors.As(err, &violation) {
		return nil, &ReadBeforeSinceError{ID: id, AsOf: asOf, Since: violation.Since}
	}
	if err != nil {
		return nil, err
	}
	defer hold.Close()
	r, err := c.record(id)
	if err != nil {
		return nil, err
	}
	updates, err := c.readShard(ctx, r, asOf)
	var gone *persist.SinceError
	if errors.As(err, &gone) { // by a process that has replaced this one
		return nil, &ReadBeforeSinceError{ID: id, AsOf: asOf, Since: gone.Since}
	}
	return updates, err
}

// readShard reads the shard of a collection. A reader that was forgotten, because
// the process stood still for too long, is replaced.
func (c *Controller) readShard(ctx context.Context, r *record, asOf uint64) ([]persist.Update, error) {
	for {
		reader, err := c.reader(ctx, r)
		if err != nil {
			return nil, err
		}
		updates, err := reader.Snapshot(ctx, asOf)
		var expired *persist.LeaseExpiredError
		if !errors.As(err, &expired) {
			return updates, err
		}
		c.mu.Lock()
		if r.reader == reader {
			r.reader = nil
		}
		c.mu.Unlock()
	}
}

// reader returns the reader of a collection, which it opens if there is none. Of
// two that are opened at the same time one is closed again.
func (c *Controller) reader(ctx context.Context, r *record) (*persist.Reader, error) {
	c.mu.Lock()
	reader := r.reader
	c.mu.Unlock()
	if reader != nil {
		return reader, nil
	}
	opened, err := c.client.OpenReader(ctx, r.shard, persist.ReaderOptions{
		Purpose: "collection " + r.id.String(), HoldsObjectsOnly: true,
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if r.reader == nil && c.records[r.id] == r {
		r.reader = opened
	}
	reader = r.reader
	c.mu.Unlock()
	if reader != opened {
		c.closeReader(ctx, opened)
	}
	if reader == nil {
		return nil, &CollectionMissingError{ID: r.id}
	}
	return reader, nil
}

// closeReader gives a reader back. What can not be given back runs out.
func (c *Controller) closeReader(ctx context.Context, reader *persist.Reader) {
	if err := reader.Close(ctx); err != nil {
		c.rt.Logger().InfoContext(ctx, "a reader is left to its lease", "shard", reader.Shard(), "error", err)
	}
}

// closingMax is for how long the end of a controller waits for a store to take
// readers back.
const closingMax = time.Second

// closeReaders gives all readers back, when nobody reads any more.
func (c *Controller) closeReaders(ctx context.Context) {
	ctx, cancel := c.rt.WithTimeout(ctx, closingMax)
	defer cancel()
	c.mu.Lock()
	var readers []*persist.Reader
	for _, id := range slices.SortedFunc(maps.Keys(c.records), GlobalID.Compare) {
		if r := c.records[id]; r.reader != nil {
			readers = append(readers, r.reader)
			r.reader = nil
		}
	}
	c.mu.Unlock()
	for _, reader := range readers {
		c.closeReader(ctx, reader)
	}
}

// record returns the record of an existing collection.
func (c *Controller) record(id GlobalID) (*record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.records[id]
	if r == nil || r.isRemoved {
		return nil, &CollectionMissingError{ID: id}
	}
	return r, nil
}

// Writer writes to a collection. Only one task at a time may use it; several writers
// of one collection, in any processes, may be used at the same time. It needs no
// closing, except for the courtesy of Expire.
//
// Writers are not fenced by epochs: they go by the upper of the shard.
type Writer struct {
	controller *Controller
	id         GlobalID
	inner      *persist.Writer
}

// Writer opens a collection for writing. If it does not exist the error is a
// [*CollectionMissingError].
func (c *Controller) Writer(ctx context.Context, id GlobalID) (*Writer, error) {
	w := &Writer{controller: c, id: id}
	err := w.call(ctx, func(ctx context.Context, r *record) (err error) {
		w.inner, err = c.client.OpenWriter(ctx, r.shard, persist.WriterOptions{Purpose: "collection " + id.String()})
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// call runs an operation on a collection that exists.
func (w *Writer) call(ctx context.Context, op func(context.Context, *record) error) error {
	c := w.controller
	in, err := c.begin(ctx)
	if err != nil {
		return err
	}
	r, err := c.record(w.id)
	if err == nil {
		err = op(in.ctx, r)
	}
	return c.end(in, err)
}

// ID returns the collection that is written.
func (w *Writer) ID() GlobalID { return w.id }

// CompareAndAppend adds the updates and moves the upper from expected to next in one
// step, if the upper is the expected one. Times have to be at or beyond expected and
// not at or beyond next. Updates are not kept.
//
// It returns nil when that has happened, durably. The errors are those of
// [persist.Writer.CompareAndAppend], a [*CollectionMissingError] once the collection
// is gone, and those that have ended the controller; the append has not happened,
// and never will, unless they wrap [persist.ErrIndeterminate].
func (w *Writer) CompareAndAppend(
	ctx context.Context, updates []persist.Update, expected, next frontier.Antichain,
) error {
	return w.call(ctx, func(ctx context.Context, _ *record) error {
		return w.inner.CompareAndAppend(ctx, updates, expected, next)
	})
}

// Append is for writers that all produce the same data: it makes sure that the
// updates from lower to upper are there, whoever writes them. It fails with an
// [*persist.UpperMismatchError] only if the upper is before lower. Other errors are
// those of CompareAndAppend.
func (w *Writer) Append(ctx context.Context, updates []persist.Update, lower, upper frontier.Antichain) error {
	return w.call(ctx, func(ctx context.Context, _ *record) error {
		return w.inner.Append(ctx, updates, lower, upper)
	})
}

// AdvanceUpper moves the upper to target by an append without updates, if it is not
// there already. {} seals the collection: it stays as it is, and readable.
func (w *Writer) AdvanceUpper(ctx context.Context, target frontier.Antichain) error {
	return w.call(ctx, func(ctx context.Context, _ *record) error { return w.inner.AdvanceUpper(ctx, target) })
}

// Upper returns the upper that the writer's own operations have seen last.
func (w *Writer) Upper() frontier.Antichain { return w.inner.Upper() }

// FetchRecentUpper returns an upper that the collection had at some moment between
// the call and its return.
func (w *Writer) FetchRecentUpper(ctx context.Context) (upper frontier.Antichain, err error) {
	err = w.call(ctx, func(ctx context.Context, _ *record) (err error) {
		upper, err = w.inner.FetchRecentUpper(ctx)
		return err
	})
	return upper, err
}

// Expire lets the shard forget the writer. It is a courtesy: the shard forgets it
// anyway when its lease runs out.
func (w *Writer) Expire(ctx context.Context) error {
	return w.call(ctx, func(ctx context.Context, _ *record) error { return w.inner.Expire(ctx) })
}
