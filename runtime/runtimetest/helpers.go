package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// What has to happen in a case happens soon, what must not never comes.
const (
	soon  = 20 * time.Microsecond
	later = 10 * soon // more than soon, on any clock
	never = time.Hour
)

// tasks runs functions side by side and waits for all of them.
func tasks(ctx context.Context, rt *runtime.Runtime, functions ...func()) {
	running := make([]*runtime.Task, len(functions))
	for i, f := range functions {
		running[i] = rt.Go(ctx, "task", func(context.Context) error {
			f()
			return nil
		})
	}
	for _, t := range running {
		must(t.Wait(ctx))
	}
}

// must is for operations of a case that have no reason to fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func send[T any](ctx context.Context, c *runtime.Chan[T], v T) { must(c.Send(ctx, v)) }

func receive[T any](ctx context.Context, c *runtime.Chan[T]) T {
	v, err := c.Recv(ctx)
	must(err)
	return v
}

// tryReceive says what a non-blocking receive found.
func tryReceive[T any](c *runtime.Chan[T]) string {
	v, received, err := c.TryRecv()
	return tried(v, received, err == nil)
}

func tried[T any](v T, received, open bool) string {
	switch {
	case received:
		return show(v)
	case open:
		return "empty"
	}
	return "closed"
}

// show prints a value; a time, which differs from run to run, is "time".
func show(v any) string {
	if _, ok := v.(time.Time); ok {
		return "time"
	}
	return fmt.Sprint(v)
}

// words prints values with a space between them.
func words(values ...any) string {
	line := fmt.Sprintln(values...)
	return line[:len(line)-1]
}

// result says what a receive returned.
func result[T any](v T, err error) string {
	if err == nil {
		return show(v)
	}
	return name(err)
}

// name is a short text for an error.
func name(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, runtime.ErrClosed):
		return "closed"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	}
	return err.Error()
}

// caught calls f and says whether it panicked, and with what.
func caught(f func()) (outcome string) {
	defer func() {
		if value := recover(); value != nil {
			outcome = fmt.Sprint("panic: ", value)
		}
	}()
	f()
	return "ok"
}

// panics is caught for those who need not know the text.
func panics(f func()) string {
	outcome, _, _ := strings.Cut(caught(f), ":")
	return outcome
}

// journal collects notes in the order in which they are made. To note is not
// a scheduling point.
type journal struct {
	mu    sync.Mutex
	notes strings.Builder
}

func (j *journal) note(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes.WriteString(text)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.notes.String()
}

// The errors that cases return and pass on.
var (
	errBoom = errors.New("boom")
	errA    = errors.New("a")
	errB    = errors.New("b")
)
