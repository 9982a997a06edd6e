package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
)

// External is what a function given to [runtime.Runtime.External] has answered. A replay
// answers with it instead of calling the function.
type External struct {
	// Task called; it is named as in a Deviation.
	Task string `json:"task"`
	// Name is that of the call, Count the how-manyth of this task under it, from 1 on.
	Name  string `json:"name"`
	Count uint64 `json:"count"`
	// Kind says how the function ended.
	Kind ExternalKind `json:"kind"`
	// Text is that of an error or of a panic, Result what was returned.
	Text   string `json:"text,omitempty"`
	Result []byte `json:"result,omitempty"`
}

// ExternalKind says how an external call ended.
type ExternalKind string

// The kinds of ends.
const (
	ExternalOK       ExternalKind = "ok"
	ExternalError    ExternalKind = "error"
	ExternalCanceled ExternalKind = "canceled" // an error that is context.Canceled
	ExternalDeadline ExternalKind = "deadline" // an error that is context.DeadlineExceeded
	ExternalPanic    ExternalKind = "panic"
	ExternalGoexit   ExternalKind = "goexit"
	// ExternalSize is a result that the record had no room for.
	ExternalSize ExternalKind = "size"
)

var externalKinds = []ExternalKind{
	ExternalOK, ExternalError, ExternalCanceled, ExternalDeadline, ExternalPanic, ExternalGoexit, ExternalSize,
}

// ExternalSizeMax is how many bytes the answers of one run may have, with the names of
// the calls.
const ExternalSizeMax = 64 << 20

func (e External) size() int { return len(e.Task) + len(e.Name) + len(e.Text) + len(e.Result) }

// place identifies the call in each run.
func (e External) place() place {
	return place{task: e.Task, site: externalStream + " " + e.Name, point: e.Count}
}

const externalStream = "external"

// newExternal describes the end of a call.
func newExternal(result []byte, err error) External {
	e := External{Kind: ExternalOK}
	if len(result) > 0 {
		e.Result = slices.Clone(result)
	}
	switch {
	case err == nil:
		return e
	case errors.Is(err, context.Canceled):
		e.Kind = ExternalCanceled
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = ExternalDeadline
	default:
		e.Kind = ExternalError
	}
	e.Text = err.Error()
	return e
}

// answer returns what the call returned.
func (e External) answer() ([]byte, error) {
	result := slices.Clone(e.Result)
	switch e.Kind {
	case ExternalError:
		return result, &externalError{text: e.Text}
	case ExternalCanceled:
		return result, &externalError{e.Text, context.Canceled}
	case ExternalDeadline:
		return result, &externalError{e.Text, context.DeadlineExceeded}
	case ExternalSize:
		return nil, fmt.Errorf("%w: more than %d MiB", runtime.ErrExternalSize, ExternalSizeMax>>20)
	}
	return result, nil
}

// String says how the call ended, without what it returned.
func (e External) String() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s, %d bytes", e.Name, e.Kind, len(e.Result))
	}
	return fmt.Sprintf("%s: %s, %d bytes: %s", e.Name, e.Kind, len(e.Result), e.Text)
}

// externalError is an error that came from outside, or from the record.
type externalError struct {
	text string
	is   error
}

func (e *externalError) Error() string { return e.text }

func (e *externalError) Unwrap() error { return e.is }

// validateExternals returns the first thing that is wrong with a record.
func validateExternals(all []External) error {
	size := 0
	for i, e := range all {
		if e.Kind != ExternalSize {
			size += e.size()
		}
		switch {
		case !slices.Contains(externalKinds, e.Kind):
			return fmt.Errorf("external call %d: unknown kind %q", i, e.Kind)
		case e.Count == 0:
			return fmt.Errorf("external call %d has no number", i)
		case size > ExternalSizeMax:
			return fmt.Errorf("%w: external calls of more than %d MiB", runtime.ErrExternalSize, ExternalSizeMax>>20)
		}
	}
	return nil
}

// appendExternals encodes a record: the number of calls, and of each its fields.
func appendExternals(b []byte, all []External) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, e := range all {
		b = binary.AppendUvarint(b, e.Count)
		for _, field := range [][]byte{[]byte(e.Task), []byte(e.Name), []byte(e.Kind), []byte(e.Text), e.Result} {
			b = binary.AppendUvarint(b, uint64(len(field)))
			b = append(b, field...)
		}
	}
	return b
}

// externals reads what appendExternals has written.
func (r *tapeReader) externals(t *Tape) {
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		e := External{Count: r.uvarint()}
		e.Task, e.Name = string(r.bytes(ExternalSizeMax)), string(r.bytes(ExternalSizeMax))
		e.Kind, e.Text = ExternalKind(r.bytes(tapeNameSize)), string(r.bytes(ExternalSizeMax))
		e.Result = bytes.Clone(r.bytes(ExternalSizeMax))
		if len(e.Result) == 0 {
			e.Result = nil
		}
		t.Externals = append(t.Externals, e)
	}
	if err := validateExternals(t.Externals); err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: damaged, %w", ErrTape, err)
	}
}
