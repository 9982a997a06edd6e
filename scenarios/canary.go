package scenarios

import (
	"context"

	"github.com/tidemarkdb/tidemark/sim"
)

// Canary has a planted bug, and must fail.
func Canary() sim.Scenario {
	return sim.Scenario{
		Name:  "canary",
		Doc:   "two withdrawals check, then act, with the lock free in between: a planted bug that must be found",
		Run:   canary,
		Named: true,
	}
}

func canary(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	mu := rt.NewMutex()
	balance := 100

	withdraw := func(context.Context) error {
		mu.Lock()
		enough := balance >= 60
		mu.Unlock()
		if enough {
			mu.Lock()
			balance -= 60
			mu.Unlock()
		}
		return nil
	}
	group := rt.NewGroup(ctx)
	group.Go("alice", withdraw)
	group.Go("bob", withdraw)
	err := group.Wait()
	rt.Always(balance >= 0, "no-overdraft", "balance", balance)
	return err
}
