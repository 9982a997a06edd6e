package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// partWriter turns consolidated updates, in order, into one run of parts: objects of
// about a size, or, if there are few of them, one part within the state. It keeps one
// part in memory, and those that are on their way to the store.
type partWriter struct {
	machine *machine
	writer  WriterID
	class   state.PartClass
	// inlineMax is from how many bytes on a run is an object. 0 makes it one always.
	inlineMax int
	// format says what the rows are.
	format rowFormat
	// uploads take the objects to the store.
	uploads *uploads

	buffer []Update
	rows   []byte // of the buffer, as far as they came one by one
	size   int    // of the buffer in bytes
	parts  []state.Part
}

// updateSize is what an update takes beside its row, in bytes.
const updateSize = 16

// add takes updates that come after those before. It copies their rows: each may be the
// only one that is left of a piece of memory many times as large.
func (w *partWriter) add(ctx context.Context, u Update) error {
	start := len(w.rows)
	w.rows = append(w.rows, u.Row...)
	u.Row = w.rows[start:len(w.rows):len(w.rows)]
	w.buffer = append(w.buffer, u)
	w.size += len(u.Row) + updateSize
	if w.size < w.machine.client.config().PartSize || !w.machine.hasObjects() {
		return nil
	}
	return w.flush(ctx)
}

// errNoObjects says that updates have room neither in the metadata nor anywhere else.
var errNoObjects = fmt.Errorf("%w: the metadata is full, and the format of the shard has no objects", ErrUsage)

// hasObjects reports whether parts may be objects in the format of the shard.
func (m *machine) hasObjects() bool { return m.state().Header().Version >= state.PartsFormat }

// finish returns the run, which has no parts if there were no updates. Its objects are
// there once the uploads have been waited for.
func (w *partWriter) finish(ctx context.Context) (state.Run, error) {
	id := state.RunID(w.machine.client.newID())
	isSmall := len(w.parts) == 0 && w.size < w.inlineMax
	switch {
	case len(w.buffer) == 0:
	case isSmall || !w.machine.hasObjects():
		inlined, err := state.InlinePart(w.buffer)
		if err != nil {
			return state.Run{}, err
		}
		if inlined, _, err = w.machine.encrypt(ctx, id, inlined, inlined.Inline); err != nil {
			return state.Run{}, err
		}
		w.parts = append(w.parts, inlined)
	case len(w.parts) == 0:
		if err := w.flushHere(ctx); err != nil {
			return state.Run{}, err
		}
	default:
		if err := w.flush(ctx); err != nil {
			return state.Run{}, err
		}
	}
	run := state.Run{ID: id, Order: state.ByRow, Schema: w.format.id, Parts: w.parts}
	for _, p := range w.parts {
		run.Length += p.Length
		run.EncodedSize += p.EncodedSize
	}
	return run, nil
}

// flush makes the buffer an object, which is then on its way to the store.
func (w *partWriter) flush(ctx context.Context) error {
	if err := w.uploads.begin(ctx); err != nil {
		return err
	}
	key, data, err := w.take(ctx)
	if err != nil {
		w.uploads.end()
		return err
	}
	w.uploads.send(key, data)
	return nil
}

// flushHere writes the buffer as an object, without a task of its own: most runs have
// one.
func (w *partWriter) flushHere(ctx context.Context) error {
	key, data, err := w.take(ctx)
	if err != nil {
		return err
	}
	return w.machine.client.put(ctx, key, data)
}

// take makes the buffer a part, and returns where its object belongs.
func (w *partWriter) take(ctx context.Context) (key string, data []byte, err error) {
	p, data, err := w.encode()
	if err == nil {
		p, data, err = w.machine.encrypt(ctx, state.RunID{}, p, data)
	}
	if err != nil {
		return "", nil, err
	}
	w.parts = append(w.parts, p) // before it is there: whoever gives up deletes what may be
	w.buffer, w.rows, w.size = nil, nil, 0
	return objectKey(w.machine.key, p.Key), data, nil
}

func (w *partWriter) encode() (state.Part, []byte, error) {
	c := w.machine.client
	config := c.config()
	data, err := part.Encode(w.format.schema, w.buffer, part.Options{Compression: part.Compression(config.Compression)})
	if err != nil {
		return state.Part{}, nil, err
	}
	stats, err := part.Collect(w.format.schema, w.buffer)
	if err != nil {
		return state.Part{}, nil, err
	}
	encodedStats, err := part.EncodeStats(w.format.schema, stats, config.StatsSize, config.StatsColumns...)
	if err != nil {
		return state.Part{}, nil, err
	}
	name := state.PartName{
		Class: w.class, Epoch: w.machine.state().BatchEpoch(), Writer: w.writer, ID: state.BlobID(c.newID()),
	}
	return state.Part{
		Key: name.Key(), Format: state.ParquetFormat, EncodedSize: uint64(len(data)), Checksum: wire.Checksum(data),
		Length: uint64(len(w.buffer)), DiffsSum: part.DiffsSum(w.buffer), Stats: encodedStats,
		RowLower: part.LowerBound(w.buffer[0].Row, rowLowerSize),
	}, data, nil
}

// rowLowerSize is the size of the longest lower bound of rows, in bytes.
const rowLowerSize = 256

// partKeys returns the keys of all objects of runs.
func partKeys(runs []state.Run) []state.PartKey { return state.Draft{Runs: runs}.PartKeys() }

// discard deletes the objects of runs that no version refers to and none ever will. It
// reports whether they are gone.
func (m *machine) discard(ctx context.Context, runs ...state.Run) (isDone bool) {
	err := m.deleteParts(ctx, partKeys(runs))
	if err != nil {
		m.client.rt.Logger().WarnContext(ctx, "unused parts not deleted", "shard", m.shard, "error", err)
	}
	return err == nil
}
