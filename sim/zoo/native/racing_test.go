package native_test

import "sync"

func racing() []program {
	return []program{
		{"check-loop", validateChecks},
		{"transport-config", updateTransport},
		{"read-buffer", resetBuffer},
		{"lazy-index", lookUpIndex},
	}
}

func validateChecks() error {
	var wg sync.WaitGroup
	validated := make(chan string, 3)
	var check string
	for _, check = range []string{"positive", "unique", "not-null"} {
		wg.Go(func() { validated <- check }) // Bug: the variable is that of the loop, which goes on.
	}
	wg.Wait()
	return nil
}

func updateTransport() error {
	dial := "net"
	wrap := func(by string) func() {
		return func() { dial = by + "(" + dial + ")" } // Bug: read and written without a lock.
	}
	together(wrap("tls"), wrap("trace"))
	return nil
}

func resetBuffer() error {
	var mu sync.RWMutex
	keys := map[string]string{"k": "v"}
	together(func() {
		mu.Lock()
		defer mu.Unlock()
		delete(keys, "k")
	}, func() {
		_ = keys["k"] // Bug: read without the lock.
	})
	return nil
}

func lookUpIndex() error {
	var mu sync.Mutex
	var words map[string]int
	get := func() {
		if words == nil { // Bug: read without the lock.
			mu.Lock()
			words = map[string]int{"tide": 1}
			mu.Unlock()
		}
	}
	together(get, get)
	return nil
}
