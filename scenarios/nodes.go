package scenarios

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// nodeName returns the name of a node by its number, from 0.
func nodeName(i int) string { return fmt.Sprintf("p%d", i+1) }

// bootNodes adds nodes p1, p2 and so on, and boots them.
func bootNodes(w stage, count int, boot sim.Boot) error {
	for i := range count {
		if err := w.boot(nodeName(i), endsWell(boot)); err != nil {
			return err
		}
	}
	return nil
}

// endsWell asserts that a process ends without an error, unless it was stopped: what a
// call documents is dealt with where it is called, and there is nothing else (P-59).
func endsWell(boot sim.Boot) sim.Boot {
	return func(ctx context.Context, rt *runtime.Runtime) error {
		err := boot(ctx, rt)
		rt.Always(err == nil || ctx.Err() != nil, "P-59", "error", err)
		return err
	}
}
