// Package bank is the subject of the first test in the README: an account
// whose withdrawal checks the balance, then acts, and lets go of the lock in
// between. The bug is there on purpose.
package bank

import (
	"context"
	"errors"

	"github.com/tidemarkdb/tidemark/runtime"
)

// ErrBalance is returned by a withdrawal that the balance does not cover.
var ErrBalance = errors.New("bank: not enough money")

// Account is an amount of money.
type Account struct {
	mu      *runtime.Mutex // guards balance
	balance int
}

// NewAccount returns an account with a balance.
func NewAccount(rt *runtime.Runtime, balance int) *Account {
	return &Account{mu: rt.NewMutex(), balance: balance}
}

// Balance returns what is in the account.
func (a *Account) Balance() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.balance
}

// Withdraw takes an amount out, unless that is more than there is. It is
// wrong: two withdrawals can both find enough money before either takes it.
func (a *Account) Withdraw(_ context.Context, amount int) error {
	if a.Balance() < amount {
		return ErrBalance
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balance -= amount
	return nil
}
