package persisttest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tidemarkdb/tidemark/persist"
)

// History records calls of a [persist.Consensus] on one key, to be judged
// against [LogModel]. It is safe for concurrent use; its clock only counts, so
// that it works in real and in virtual time.
type History struct {
	mu         sync.Mutex //sim:allow native-lock because nothing parks while it is held
	clock      int64
	operations []porcupine.Operation
	writes     uint64
}

// NewHistory returns an empty history.
func NewHistory() *History { return &History{} }

// call is the input of an operation: a head if write is 0.
type call struct {
	expected persist.SeqNo
	write    uint64 // names the data that is written
}

// answer is its output.
type answer struct {
	seqNo     persist.SeqNo // of a head
	write     uint64
	committed bool
	unknown   bool
}

func (h *History) begin() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return h.clock
}

func (h *History) end(client int, start int64, in call, out answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	end := h.clock
	if out.unknown {
		end = math.MaxInt64 // it may take effect at any time from now on
	}
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: in, Call: start, Output: out, Return: end,
	})
}

// Head calls c.Head, records it, and returns the SeqNo.
func (h *History) Head(ctx context.Context, client int, c persist.Consensus, key string) (persist.SeqNo, error) {
	start := h.begin()
	head, _, err := c.Head(ctx, key)
	if err != nil {
		return 0, err // a read without an answer says nothing
	}
	var write uint64
	if head.SeqNo > 0 {
		if _, err := fmt.Sscan(string(head.Data), &write); err != nil {
			return 0, fmt.Errorf("persisttest: foreign data %q", head.Data)
		}
	}
	h.end(client, start, call{}, answer{seqNo: head.SeqNo, write: write})
	return head.SeqNo, nil
}

// CompareAndSet calls c.CompareAndSet with data of its own and records it. An
// indeterminate error is part of the history, not returned.
func (h *History) CompareAndSet(
	ctx context.Context, client int, c persist.Consensus, key string, expected persist.SeqNo,
) (committed bool, err error) {
	start := h.begin()
	h.mu.Lock()
	h.writes++
	write := h.writes
	h.mu.Unlock()
	committed, err = c.CompareAndSet(ctx, key, expected,
		persist.Versioned{SeqNo: expected + 1, Data: fmt.Append(nil, write)})
	in := call{expected: expected, write: write}
	switch {
	case err == nil:
		h.end(client, start, in, answer{committed: committed})
	case errors.Is(err, persist.ErrDeterminate):
		return false, nil
	default:
		h.end(client, start, in, answer{unknown: true})
	}
	return committed, nil
}

// checkTimeMax bounds, in real time, the search for a linearization.
const checkTimeMax = 20 * time.Second

// Check returns an error if the history is not linearizable, or if that could
// not be found out in time.
func (h *History) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch result := porcupine.CheckOperationsTimeout(LogModel(), h.operations, checkTimeMax); result {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return fmt.Errorf("persisttest: a history of %d calls is not linearizable", len(h.operations))
	}
	return fmt.Errorf("persisttest: no verdict on a history of %d calls within %v", len(h.operations), checkTimeMax)
}

// LogModel is the log of one key: its newest SeqNo and what was written there.
func LogModel() porcupine.Model {
	type log struct {
		seqNo persist.SeqNo
		write uint64
	}
	return porcupine.Model{
		Init: func() any { return log{} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(log), input.(call), output.(answer)
			if in.write == 0 {
				return out.seqNo == s.seqNo && out.write == s.write, s
			}
			matches := in.expected == s.seqNo
			switch {
			case out.unknown && !matches:
				return true, s // it came too late, or never
			case out.unknown, out.committed && matches:
				return true, log{in.expected + 1, in.write}
			}
			return !out.committed && !matches, s
		},
		Equal: func(a, b any) bool { return a == b },
	}
}
