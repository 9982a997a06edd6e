package persist

import (
	"context"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
)

// Cursor reads the contents as of a time piece by piece: it is [Reader.Stream] for those
// who cannot stay in a loop, such as whoever answers one request after the other. It is
// used by one task at a time, and has to be closed.
type Cursor struct {
	reader  *Reader
	asOf    uint64
	merger  *part.Merger
	release func() // nil once the cursor is closed
	err     error  // that has ended it
}

// Cursor opens a cursor. It waits until the upper is beyond asOf, and holds the objects of
// one version until it is closed, whatever is merged and collected meanwhile. Errors, filters
// and the memory it takes are those of Stream.
func (r *Reader) Cursor(ctx context.Context, asOf uint64, filters ...Filter) (*Cursor, error) {
	runs, release, err := r.open(ctx, asOf, filters)
	if err != nil {
		return nil, r.failure(ctx, asOf, err)
	}
	return &Cursor{reader: r, asOf: asOf, merger: part.NewMerger(asOf, runs...), release: release}, nil
}

// cursorSize is about how many bytes of rows a piece has.
const cursorSize = 64 << 10

// Next returns the next updates, about 64 KiB of rows: consolidated, ordered by row, each
// with the time of the cursor. No updates and no error mean that it is at the end. A row
// shares the memory of its part: whoever keeps some of them copies them. After an error,
// also one of ctx, the cursor is at its end: Next returns the same error again.
func (c *Cursor) Next(ctx context.Context) (updates []Update, err error) {
	if c.err != nil || c.release == nil {
		return nil, c.err
	}
	for size := 0; size < cursorSize; {
		u, isAny, err := c.merger.Next(ctx)
		if err != nil {
			c.err = c.reader.failure(ctx, c.asOf, err)
			return nil, c.err
		}
		if !isAny {
			break
		}
		updates = append(updates, u)
		size += len(u.Row) + updateSize
	}
	return updates, nil
}

// Close lets go of the objects. It may be called more than once; a closed cursor is at its
// end.
func (c *Cursor) Close() {
	if c.release != nil {
		c.release()
		c.release = nil
	}
}
