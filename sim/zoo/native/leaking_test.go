package native_test

import (
	"context"
	"sync"
	"time"
)

func leaking() []program {
	return []program{
		{"request-timeout", finishRequest},
		{"begin-commands", beginCommands},
		{"late-listener", listenLate},
		{"dial-transport", dialTransport},
	}
}

func finishRequest() error {
	answers := make(chan string) // Bug: who comes too late never gets rid of it.
	go func() {
		time.Sleep(time.Millisecond)
		answers <- "created"
	}()
	select {
	case <-answers:
	case <-time.After(time.Millisecond):
	}
	return nil
}

func beginCommands() error {
	ready := make(chan string) // Bug: a cancelled wait leaves the senders alone.
	for _, name := range []string{"put", "delete"} {
		go func() { ready <- name }()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network := &resource{}
	go func() {
		network.use(6)
		cancel()
	}()
	for range 2 {
		select {
		case <-ready:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func listenLate() error {
	var mu sync.Mutex
	closed := false
	var listeners []chan string
	isClosed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return closed
	}
	go func() {
		events := make(chan string, 1)
		if isClosed() {
			return
		}
		mu.Lock() // Bug: the bus may have closed since.
		listeners = append(listeners, events)
		mu.Unlock()
		<-events
	}()
	mu.Lock()
	defer mu.Unlock()
	closed = true
	for _, l := range listeners {
		close(l)
	}
	return nil
}

func dialTransport() error {
	var mu sync.Mutex
	var transports []context.CancelFunc
	network := &resource{}
	together(func() {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-ctx.Done() }()
		mu.Lock()
		defer mu.Unlock()
		transports = append(transports, cancel) // Bug: nobody cancels it if the connection is closed.
	}, func() {
		network.use(7)
		mu.Lock()
		defer mu.Unlock()
		for _, cancel := range transports {
			cancel()
		}
	})
	return nil
}
