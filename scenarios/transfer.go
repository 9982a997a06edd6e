package scenarios

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Transfer moves money between accounts that have a lock each.
func Transfer() sim.Scenario {
	return sim.Scenario{
		Name:  "transfer",
		Doc:   "clerks move money between locked accounts; an audit that locks them all sees the total it started with",
		Run:   transfer,
		Goals: []string{"transfer-refused", "audit-during-transfers"},
	}
}

// account is a balance with its lock.
type account struct {
	mu      *runtime.Mutex // guards balance
	balance int
}

func transfer(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	rand := rt.Rand("transfer")
	const initial = 100

	// Given accounts with the same balance,
	accounts := make([]*account, runtime.Between(rand, 2, 6))
	for i := range accounts {
		accounts[i] = &account{mu: rt.NewMutex(), balance: initial}
	}

	// when clerks transfer and auditors audit,
	group := rt.NewGroup(ctx)
	open := rt.NewWaitGroup()
	for i := range runtime.Between(rand, 3, 6) {
		open.Add(1)
		rand := rt.Rand(fmt.Sprintf("clerk %d", i))
		group.Go("clerk", func(context.Context) error {
			defer open.Done()
			for range runtime.Between(rand, 30, 60) {
				from, to := rand.IntN(len(accounts)), rand.IntN(len(accounts))
				done := move(accounts, from, to, rand.IntN(initial))
				rt.Sometimes(!done, "transfer-refused")
			}
			return nil
		})
	}
	transferring := runtime.NewWatch(rt, true)
	group.Go("closing-time", func(context.Context) error {
		open.Wait()
		transferring.Set(false)
		return nil
	})
	group.Go("auditor", func(context.Context) error {
		for range runtime.Between(rand, 2, 8) {
			total := audit(accounts)
			busy, _ := transferring.Get()
			rt.Sometimes(busy, "audit-during-transfers")
			// then the total is what it was.
			rt.Always(total == initial*len(accounts), "money-conserved", "total", total, "accounts", len(accounts))
		}
		return nil
	})
	return group.Wait()
}

// move takes the locks in the order of the accounts, so that two clerks never
// wait for each other.
func move(accounts []*account, from, to, amount int) bool {
	if from == to {
		return true
	}
	first, second := accounts[min(from, to)], accounts[max(from, to)]
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	if accounts[from].balance < amount {
		return false
	}
	accounts[from].balance -= amount
	accounts[to].balance += amount
	return true
}

func audit(accounts []*account) int {
	total := 0
	for _, a := range accounts {
		a.mu.Lock()
		defer a.mu.Unlock()
		total += a.balance
	}
	return total
}
