package simtest_test

import (
	"context"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// A test and a fuzz test of the same program: go test runs both, the one over seeds, the
// other over random runs in the form of bytes; go test -fuzz=FuzzCounter goes on from there.
func Example() {
	counter := func(ctx context.Context, rt *runtime.Runtime) {
		mu, n := rt.NewMutex(), 0
		group := rt.NewGroup(ctx)
		for range 2 {
			group.Go("adder", func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				n++
				return nil
			})
		}
		_ = group.Wait()
		rt.Always(n == 2, "no-lost-update", "n", n)
	}
	_ = func(t *testing.T) { simtest.Run(t, counter) }  // TestCounter
	_ = func(f *testing.F) { simtest.Fuzz(f, counter) } // FuzzCounter
	// Output:
}
