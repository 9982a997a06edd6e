package sim_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestEventually protects the check of liveness: it holds as soon as the condition
// does, fails when the time is over, and is not for the phase of faults.
func TestEventually(t *testing.T) {
	for name, test := range map[string]struct {
		after   time.Duration // the condition comes true
		isEarly bool          // the faults are not over
		want    string
	}{
		"at once":            {0, false, ""},
		"in time":            {3 * time.Second, false, ""},
		"too late":           {6 * time.Second, false, "alive"},
		"before the quiesce": {0, true, "misuse"},
	} {
		var took time.Duration
		r := runWith(t, sim.Config{}, func(ctx context.Context, w *sim.World) error {
			var isTrue atomic.Bool
			isTrue.Store(test.after == 0)
			n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				if err := rt.Sleep(ctx, test.after); err != nil {
					return err
				}
				isTrue.Store(true)
				return forEver(ctx, rt)
			})
			_ = n
			if !test.isEarly {
				w.Quiesce(0)
			}
			before := w.Elapsed()
			w.Eventually("alive", 5*time.Second, isTrue.Load)
			took = w.Elapsed() - before
			return nil
		})
		if r.Verdict.FailureID() != test.want {
			t.Errorf("%s: %v", name, r.Verdict)
		}
		if test.want == "" && took > test.after+100*time.Millisecond {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
