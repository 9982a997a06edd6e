package runtime_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Every reader ends up with the newest value, whatever it missed on the way,
// and never sees versions go back.
func TestWatchReadersCatchUp(t *testing.T) {
	const last = 100
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		watch := runtime.NewWatch(rt, 0)
		group := rt.NewGroup(ctx)
		for range 3 {
			group.Go("reader", func(ctx context.Context) error {
				for seen := uint64(0); seen < last; {
					value, version, err := watch.Wait(ctx, seen)
					if err != nil {
						return err
					}
					if version <= seen || uint64(value) != version {
						t.Errorf("value %d of version %d after version %d", value, version, seen)
					}
					seen = version
				}
				return nil
			})
		}
		group.Go("writer", func(context.Context) error {
			for i := range last {
				watch.Set(i + 1)
			}
			return nil
		})
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// An Update that declines changes neither value nor version.
func TestWatchUpdateMayDecline(t *testing.T) {
	watch := runtime.NewWatch(runtime.New(runtime.Options{}), 7)
	watch.Update(func(v int) (int, bool) { return v + 1, false })
	if value, version := watch.Get(); value != 7 || version != 0 {
		t.Errorf("value %d, version %d", value, version)
	}
	watch.Update(func(v int) (int, bool) { return v + 1, true })
	if value, version := watch.Get(); value != 8 || version != 1 {
		t.Errorf("value %d, version %d", value, version)
	}
}

// A wait that ends with its context returns the zero value and the error.
func TestWatchWaitEndsWithTheContext(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	watch := runtime.NewWatch(rt, 7)
	ctx, cancel := rt.WithCancel(context.Background())
	cancel()
	value, version, err := watch.WaitFor(ctx, func(v int) bool { return v > 7 })
	if value != 0 || version != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("value %d, version %d, error %v", value, version, err)
	}
}

// A condition that panics does not leave the watch locked behind it.
func TestWatchIsUsableAfterAPanic(t *testing.T) {
	watch := runtime.NewWatch(runtime.New(runtime.Options{}), 7)
	recovered(func() { watch.Update(func(int) (int, bool) { panic("update") }) })
	recovered(func() { _, _, _ = watch.WaitFor(context.Background(), func(int) bool { panic("condition") }) })
	watch.Set(8)
	if value, _ := watch.Get(); value != 8 {
		t.Errorf("value %d", value)
	}
}
