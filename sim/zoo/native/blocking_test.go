package native_test

import "sync"

func blocking() []program {
	return []program{
		{"log-rotation", rotateLog},
		{"lease-checkpoint", checkpointLease},
		{"coalesced-heartbeats", coalesce},
		{"transfer-ring", transferRing},
		{"stock-priority", moveStock},
		{"cpu-set-state", assignCPUs},
		{"build-finished", awaitBuild},
		{"bounded-buffer", produce},
		{"compaction-hint", compact},
	}
}

func rotateLog() error {
	var mu sync.Mutex
	lines := 0
	var save func()
	write := func() {
		mu.Lock()
		defer mu.Unlock()
		if lines++; lines == 5 {
			save()
		}
	}
	save = func() {
		mu.Lock() // Bug: write holds the lock.
		defer mu.Unlock()
	}
	writer := func() {
		for range 3 {
			write()
		}
	}
	together(writer, writer)
	return nil
}

func checkpointLease() error {
	var mu sync.Mutex
	var checkpoint func()
	store := func() {
		mu.Lock()
		defer mu.Unlock()
	}
	disk := &resource{}
	together(func() {
		mu.Lock()
		defer mu.Unlock()
		if checkpoint != nil {
			checkpoint() // Bug: it locks again.
		}
	}, func() {
		disk.use(5)
		mu.Lock()
		defer mu.Unlock()
		checkpoint = store
	})
	return nil
}

func coalesce() error {
	var coalesced, raft0, raft1 sync.Mutex
	queued := 2
	together(func() {
		coalesced.Lock()
		defer coalesced.Unlock()
		for _, raft := range []*sync.Mutex{&raft0, &raft1} {
			raft.Lock() // Bug: a tick takes the two locks in the other order.
			queued--
			raft.Unlock()
		}
	}, func() {
		raft1.Lock()
		defer raft1.Unlock()
		coalesced.Lock()
		defer coalesced.Unlock()
		queued++
	})
	return nil
}

func transferRing() error {
	var ring [3]struct {
		mu      sync.Mutex
		balance int
	}
	read := func(i int) int {
		ring[i].mu.Lock()
		defer ring[i].mu.Unlock()
		return ring[i].balance
	}
	transfer := func(from int) func() {
		return func() {
			to, amount := (from+1)%len(ring), 10*(from+1)
			if read(from) < -1000 || amount > 20 && read(to)+amount > 200 {
				return
			}
			ring[from].mu.Lock()
			ring[to].mu.Lock() // Bug: three transfers in a ring each hold one lock and wait for the next.
			ring[from].balance -= amount
			ring[to].balance += amount
			ring[to].mu.Unlock()
			ring[from].mu.Unlock()
			read(to)
		}
	}
	together(transfer(0), transfer(1), transfer(2))
	return nil
}

func moveStock() error {
	var mu sync.Mutex
	swapped := false
	var locks [2]sync.Mutex
	move := func() {
		mu.Lock()
		first, second := 0, 1
		if swapped { // Bug: two moves under way can have seen different priorities.
			first, second = 1, 0
		}
		mu.Unlock()
		locks[first].Lock()
		locks[second].Lock()
		locks[second].Unlock()
		locks[first].Unlock()
	}
	together(move, move, func() {
		mu.Lock()
		defer mu.Unlock()
		swapped = true
	})
	return nil
}

func assignCPUs() error {
	var mu sync.RWMutex
	assigned := map[string]int{"web": 3}
	set := func() int {
		mu.RLock()
		defer mu.RUnlock()
		return assigned["web"]
	}
	together(func() {
		mu.RLock()
		defer mu.RUnlock()
		set() // Bug: a second read lock waits behind a writer.
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		delete(assigned, "web")
	})
	return nil
}

func awaitBuild() error {
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	done := false
	finished := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return done
	}
	together(func() {
		if !finished() {
			mu.Lock()
			cond.Wait() // Bug: the build may have finished since the look at it.
			mu.Unlock()
		}
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		done = true
		cond.Broadcast()
	})
	return nil
}

func produce() error {
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	full := false
	swap := func(want bool) func() {
		return func() {
			mu.Lock()
			defer mu.Unlock()
			for full != want {
				cond.Wait()
			}
			full = !want
			cond.Signal() // Bug: it may wake one that waits for the opposite.
		}
	}
	together(swap(false), swap(true), swap(false), swap(true))
	return nil
}

func compact() error {
	var mu sync.Mutex
	segments := 0
	disk, hint := &resource{}, make(chan struct{})
	together(func() {
		for compacted := 0; compacted < 3; {
			mu.Lock()
			n := segments
			segments = 0
			mu.Unlock()
			if compacted += n; n == 0 {
				<-hint
			}
		}
	}, func() {
		for range 3 {
			disk.use(1)
			mu.Lock()
			segments++
			mu.Unlock()
			disk.use(2)
			select {
			case hint <- struct{}{}:
			default: // Bug: the hint is lost unless the compactor waits right now.
			}
		}
	})
	return nil
}
