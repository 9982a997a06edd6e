package native_test

import "sync"

func crashing() []program {
	return []program{
		{"handler-transport", serveStream},
		{"pool-stop", stopPool},
		{"client-close", closeClient},
		{"session-renewal", renewSession},
		{"batch-rounds", runRounds},
		{"access-log", shutDown},
	}
}

func serveStream() error {
	var mu sync.Mutex
	closed := false
	writes := make(chan int, 4)
	isClosed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return closed
	}
	together(func() {
		for i := range 2 {
			if !isClosed() {
				writes <- i // Bug: the peer may have closed it since.
			}
		}
	}, func() {
		for range writes {
		}
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		closed = true
		close(writes)
	})
	return nil
}

func stopPool() error {
	var mu sync.Mutex
	idle := sync.NewCond(&mu)
	stopped, pending := false, 0
	jobs, log := make(chan int, 2), &resource{}
	submit := func(job int) {
		mu.Lock()
		s := stopped
		mu.Unlock()
		if s {
			return
		}
		mu.Lock() // Bug: the queue may have been drained and closed since the check.
		pending++
		mu.Unlock()
		jobs <- job
	}
	together(func() {
		for range jobs {
			mu.Lock()
			pending--
			mu.Unlock()
			idle.Signal()
		}
	}, func() {
		submit(1)
		submit(2)
	}, func() {
		mu.Lock()
		stopped = true
		for pending > 0 {
			idle.Wait()
		}
		mu.Unlock()
		log.use(4)
		close(jobs)
	})
	return nil
}

func closeClient() error {
	closed := make(chan struct{})
	closeIt := func() {
		select {
		case <-closed:
		default:
			close(closed) // Bug: two goroutines can both have found it open.
		}
	}
	together(func() { <-closed }, closeIt, closeIt)
	return nil
}

func renewSession() error {
	var mu sync.Mutex
	replaced, registry := make(chan struct{}), &resource{}
	renew := func() {
		mu.Lock()
		old := replaced
		mu.Unlock()
		registry.use(1) // Bug: meanwhile another renewal can replace, and close, the same old session.
		mu.Lock()
		replaced = make(chan struct{})
		mu.Unlock()
		close(old)
	}
	together(renew, renew)
	return nil
}

func runRounds() error {
	var work, progress sync.WaitGroup
	for range 3 {
		work.Add(1) // Bug: a waiter of the last round may not have returned yet.
		progress.Go(work.Wait)
		go work.Done()
		work.Wait()
	}
	progress.Wait()
	return nil
}

func shutDown() error {
	var mu sync.Mutex
	idle := sync.NewCond(&mu)
	active, log := 2, make(chan string, 4)
	serve := func() {
		mu.Lock()
		if active--; active == 0 {
			idle.Broadcast()
		}
		mu.Unlock()
		select {
		case log <- "/": // Bug: the log is closed when no request is active.
		default:
		}
	}
	together(serve, serve, func() {
		mu.Lock()
		for active > 0 {
			idle.Wait()
		}
		mu.Unlock()
		for len(log) > 0 {
			<-log
		}
		close(log)
	})
	return nil
}
