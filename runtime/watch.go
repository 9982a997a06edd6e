package runtime

import "context"

// Watch is a value that tasks can wait on. Readers see the newest value and
// may miss those before it.
type Watch[T any] struct {
	rt      *Runtime
	mu      *Mutex // guards what follows
	value   T
	version uint64
	changed *Chan[struct{}] // closed by the next Set; nil while nobody waits
}

// NewWatch returns a watch that holds v as version 0.
func NewWatch[T any](rt *Runtime, v T) *Watch[T] {
	return &Watch[T]{rt: rt, mu: rt.NewMutex(), value: v}
}

// Get returns the value and its version.
func (w *Watch[T]) Get() (v T, version uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value, w.version
}

// Set replaces the value and wakes all who wait.
func (w *Watch[T]) Set(v T) {
	w.Update(func(T) (T, bool) { return v, true })
}

// Update replaces the value by f of it, unless f reports false. It calls f
// under a lock: f must not block.
func (w *Watch[T]) Update(f func(v T) (T, bool)) {
	if changed := w.update(f); changed != nil {
		changed.Close()
	}
}

func (w *Watch[T]) update(f func(v T) (T, bool)) (changed *Chan[struct{}]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, set := f(w.value)
	if !set {
		return nil
	}
	w.value = v
	w.version++
	changed, w.changed = w.changed, nil
	return changed
}

// Wait returns the first value whose version is greater than the one given,
// or ctx's error.
func (w *Watch[T]) Wait(ctx context.Context, version uint64) (T, uint64, error) {
	return w.wait(ctx, func(_ T, newest uint64) bool { return newest > version })
}

// WaitFor returns the first value seen for which f is true, or ctx's error. It
// calls f under a lock: f must not block.
func (w *Watch[T]) WaitFor(ctx context.Context, f func(v T) bool) (T, uint64, error) {
	return w.wait(ctx, func(v T, _ uint64) bool { return f(v) })
}

func (w *Watch[T]) wait(ctx context.Context, until func(T, uint64) bool) (T, uint64, error) {
	for {
		v, version, changed := w.look(until)
		if changed == nil {
			return v, version, nil
		}
		if _, err := changed.Recv(ctx); err != ErrClosed { //nolint:errorlint // Recv returns it unwrapped
			var zero T
			return zero, 0, err
		}
	}
}

// look returns the value, and what to wait on if it is not the one.
func (w *Watch[T]) look(until func(T, uint64) bool) (v T, version uint64, changed *Chan[struct{}]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until(w.value, w.version) {
		return w.value, w.version, nil
	}
	if w.changed == nil {
		w.changed = NewChan[struct{}](w.rt, 0)
	}
	return w.value, w.version, w.changed
}
