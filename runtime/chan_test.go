package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
)

// A nil *Chan is a nil channel: it has no length, is never ready, and a
// blocking call on it ends with the context alone.
func TestNilChan(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		var c *runtime.Chan[int]
		cancelled, cancel := rt.WithCancel(ctx)
		cancel()
		if err := c.Send(cancelled, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Send: %v", err)
		}
		for _, err := range c.All(cancelled) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("All: %v", err)
			}
		}
		if c.Len() != 0 || c.Cap() != 0 || c.TrySend(1) {
			t.Errorf("Len %d, Cap %d, or TrySend succeeded", c.Len(), c.Cap())
		}
		if _, received, err := c.TryRecv(); received || err != nil {
			t.Errorf("TryRecv: %v, %v", received, err)
		}
		if c.String() != "nil channel" {
			t.Errorf("String: %q", c.String())
		}
	})
}

// A range over a channel that is left early has taken only what it yielded.
func TestRangeCanBeLeft(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[int](rt, 3)
		for i := range 3 {
			_ = c.Send(ctx, i)
		}
		for v, err := range c.All(ctx) {
			if err != nil || v == 1 {
				break
			}
		}
		if c.Len() != 1 {
			t.Errorf("%d values left, want 1", c.Len())
		}
	})
}

// Values that were received are not kept alive by the buffer, which wraps
// around any number of times.
func TestBufferWrapsAround(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[int](rt, 3)
		next := 0
		for i := range 100 {
			_ = c.Send(ctx, i)
			for c.Len() > i%3 {
				v, err := c.Recv(ctx)
				if v != next || err != nil {
					t.Fatalf("received %d, %v; want %d", v, err, next)
				}
				next++
			}
		}
	})
}

// Sizes that make no sense panic, as make does.
func TestNegativeSizes(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		semaphore := rt.NewSemaphore(1)
		calls := map[string]func(){
			"NewChan":      func() { runtime.NewChan[int](rt, -1) },
			"NewSemaphore": func() { rt.NewSemaphore(-1) },
			"Acquire":      func() { _ = semaphore.Acquire(ctx, -1) },
			"TryAcquire":   func() { semaphore.TryAcquire(-1) },
			"Release":      func() { semaphore.Release(-1) },
		}
		for name, call := range calls {
			if recovered(call) == nil {
				t.Errorf("%s with a negative number did not panic", name)
			}
		}
	})
}

// The panics of channels are runtime errors, as Go's own.
func TestChannelPanicsAreRuntimeErrors(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[int](rt, 1)
		c.Close()
		for _, value := range []any{
			recovered(c.Close),
			recovered(func() { _ = c.Send(ctx, 1) }),
			recovered((*runtime.Chan[int])(nil).Close),
		} {
			if _, ok := value.(interface {
				error
				RuntimeError()
			}); !ok {
				t.Errorf("panic with %T: %v", value, value)
			}
		}
	})
}

// A channel has a name for messages: its identity under a scheduler, its size
// live.
func TestChanHasAName(t *testing.T) {
	var names []string
	onBoth(t, runtime.Options{}, func(_ *testing.T, _ context.Context, rt *runtime.Runtime) {
		names = append(names, fmt.Sprint(runtime.NewChan[int](rt, 3)))
	})
	if names[0] != "chan(3)" || !strings.HasSuffix(names[1], ".chan#0") {
		t.Errorf("names %q", names)
	}
}

// The zero values of the locks are ready to be used, live.
func TestZeroValuesAreLive(t *testing.T) {
	var mu runtime.Mutex
	mu.Lock()
	mu.Unlock()
	var rw runtime.RWMutex
	rw.RLock()
	rw.RUnlock()
	var tasks runtime.WaitGroup
	tasks.Add(1)
	tasks.Done()
	tasks.Wait()
	var once runtime.Once
	ran := 0
	once.Do(func() { ran++ })
	once.Do(func() { ran++ })
	if ran != 1 {
		t.Errorf("once ran %d times", ran)
	}
}
