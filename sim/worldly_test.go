package sim_test

import "sync"

// worldly is a variable that tasks share without any order among them: an object
// of the world. Its lock is native, and held by nobody who parks.
type worldly[T any] struct {
	mu    sync.Mutex
	value T
}

func (w *worldly[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value
}

func (w *worldly[T]) set(v T) { w.change(func(T) T { return v }) }

func (w *worldly[T]) change(f func(v T) T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = f(w.value)
}

// note appends to a text that the world keeps.
func note(text *worldly[string], more string) {
	text.change(func(before string) string { return before + more })
}
