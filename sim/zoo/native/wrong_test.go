package native_test

import (
	"fmt"
	"sync"
)

func wrong() []program {
	return []program{
		{"ticket-sale", sellTickets},
		{"trial-balance", reportBalance},
		{"session-registry", openSessions},
		{"stale-cache-fill", fillCache},
		{"offset-rewind", rewindOffsets},
	}
}

func sellTickets() error {
	var mu sync.Mutex
	left := 3
	available := func() int {
		mu.Lock()
		defer mu.Unlock()
		return left
	}
	sell := func() {
		if available() < 2 {
			return
		}
		mu.Lock() // Bug: others may have bought since.
		defer mu.Unlock()
		left -= 2
	}
	together(sell, sell, sell)
	if left < 0 {
		return fmt.Errorf("%d tickets are left", left)
	}
	return nil
}

func reportBalance() error {
	var mu sync.Mutex
	balances, sum := [3]int{100, 100, 100}, 0
	together(func() {
		mu.Lock()
		defer mu.Unlock()
		balances[0] -= 50
		balances[2] += 50
	}, func() {
		for i := range balances {
			mu.Lock() // Bug: money that moves meanwhile is counted twice.
			sum += balances[i]
			mu.Unlock()
		}
	})
	if sum != 300 {
		return fmt.Errorf("the sum is %d", sum)
	}
	return nil
}

func openSessions() error {
	var mu sync.Mutex
	users, made := make(map[string]int), 0
	find := func() bool {
		mu.Lock()
		defer mu.Unlock()
		_, ok := users["alice"]
		return ok
	}
	open := func() {
		if find() {
			return
		}
		mu.Lock() // Bug: another request may have made it since the look.
		defer mu.Unlock()
		made++
		users["alice"] = made
	}
	together(open, open)
	if made != 1 {
		return fmt.Errorf("%d sessions were made", made)
	}
	return nil
}

func fillCache() error {
	var database, mu sync.Mutex
	row, value, valid := 0, 0, false
	journal := &resource{}
	read := func() int {
		mu.Lock()
		v, hit := value, valid
		mu.Unlock()
		if hit {
			return v
		}
		database.Lock()
		v = row
		database.Unlock()
		mu.Lock() // Bug: the row may have changed, and the cache been told so, since the load.
		defer mu.Unlock()
		value, valid = v, true
		return v
	}
	together(func() { read() }, func() {
		database.Lock()
		row = 1
		database.Unlock()
		journal.use(2)
		mu.Lock()
		defer mu.Unlock()
		valid = false
	})
	if got := read(); got != 1 {
		return fmt.Errorf("the cache says %d", got)
	}
	return nil
}

func rewindOffsets() error {
	var mu sync.Mutex
	committed, sink := 0, &resource{}
	consume := func(end int) func() {
		return func() {
			mu.Lock()
			offset := committed
			mu.Unlock()
			sink.use(end - offset)
			mu.Lock()
			defer mu.Unlock()
			if offset < end {
				committed = end // Bug: it can go back behind what is committed already.
			}
		}
	}
	together(consume(1), consume(8))
	if committed != 8 {
		return fmt.Errorf("%d is committed", committed)
	}
	return nil
}
