package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/persist"
)

// History records calls of a [catalog.Catalog] that is used as a counter, the number
// of its mappings, to be judged against [CounterModel]. It is safe for concurrent
// use; its clock only counts, so that it works in real and in virtual time.
type History struct {
	mu         sync.Mutex //sim:allow native-lock because nothing parks while it is held
	start      int        // of the counter
	clock      int64
	operations []porcupine.Operation
}

// NewHistory returns an empty history of a catalog that begins with so many
// mappings, those of user ids from 1 on.
func NewHistory(mappings int) *History { return &History{start: mappings} }

// operation names what is called.
type operation int

const (
	beginEpoch operation = iota
	add
	count
)

// call is the input of an operation.
type call struct {
	operation operation
	epoch     int64 // not of beginEpoch
}

// answer is its output.
type answer struct {
	epoch     int64 // of beginEpoch
	count     int   // before the addition, if there is one
	fencedBy  int64 // 0 if it was not
	isUnknown bool
}

// NextEpoch calls c.NextEpoch and records it. The error is that of c; one that is
// indeterminate is part of the history.
func (h *History) NextEpoch(ctx context.Context, client int, c catalog.Catalog) (int64, error) {
	start := h.tick()
	epoch, err := c.NextEpoch(ctx)
	h.record(client, start, call{operation: beginEpoch}, answer{epoch: epoch}, err)
	return epoch, err
}

// Add makes one more mapping and records it, errors as NextEpoch does.
func (h *History) Add(ctx context.Context, client int, c catalog.Catalog, epoch int64) error {
	start := h.tick()
	before := 0
	err := c.Update(ctx, epoch, func(d catalog.Draft) error {
		shards, err := d.Shards()
		if err != nil {
			return err
		}
		before = len(shards)
		n := before + 1
		return d.InsertShards(mappings{core.UserID(uint64(n)): shard(byte(n))})
	})
	h.record(client, start, call{add, epoch}, answer{count: before}, err)
	return err
}

// Count reads the number of mappings and records it, errors as NextEpoch does.
func (h *History) Count(ctx context.Context, client int, c catalog.Catalog, epoch int64) error {
	start := h.tick()
	n := 0
	err := c.Update(ctx, epoch, func(d catalog.Draft) error {
		shards, err := d.Shards()
		n = len(shards)
		return err
	})
	h.record(client, start, call{count, epoch}, answer{count: n}, err)
	return err
}

func (h *History) tick() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return h.clock
}

// record adds a call that began at start and ends now.
func (h *History) record(client int, start int64, in call, out answer, err error) {
	end := h.tick()
	var fenced *catalog.FencedError
	switch {
	case err == nil:
	case errors.As(err, &fenced):
		out = answer{fencedBy: fenced.Actual}
	case errors.Is(err, persist.ErrDeterminate):
		return // it has not happened
	default:
		out = answer{isUnknown: true}
		end = math.MaxInt64 // it may take effect at any time from now on
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: in, Call: start, Output: out, Return: end,
	})
}

// checkTimeMax bounds, in real time, the search for a linearization.
const checkTimeMax = 20 * time.Second

// Check returns an error if the history is not linearizable, or if that could not
// be found out in time.
func (h *History) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch result := porcupine.CheckOperationsTimeout(CounterModel(h.start), h.operations, checkTimeMax); result {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return fmt.Errorf("catalogtest: a history of %d calls is not linearizable", len(h.operations))
	}
	return fmt.Errorf("catalogtest: no verdict on a history of %d calls within %v", len(h.operations), checkTimeMax)
}
