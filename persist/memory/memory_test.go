package memory_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(*testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
	store := memory.New("test", memory.Options{})
	return func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
		return store.Blob(rt), store.Consensus(rt)
	}
}

// TestConformance protects the contract of persist.
func TestConformance(t *testing.T) {
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open) })
}

// TestSimulatedWritersMakeOneChain runs the concurrent case in the simulator,
// where each operation is a scheduling point.
func TestSimulatedWritersMakeOneChain(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("test", memory.Options{})
		history := persisttest.NewHistory()
		group := rt.NewGroup(ctx)
		for w := range 3 {
			group.Go("writer", func(ctx context.Context) error {
				c := store.Consensus(rt)
				for range 4 {
					expected, err := history.Head(ctx, w, c, "key")
					if err != nil {
						return err
					}
					if _, err := history.CompareAndSet(ctx, w, c, "key", expected); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if err := history.Check(); err != nil {
			t.Error(err)
		}
	})
}
