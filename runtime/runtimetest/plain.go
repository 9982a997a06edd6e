package runtimetest

import (
	"context"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// This file holds what the plain Go of the cases has in common.

// goroutines runs functions side by side and waits for all of them.
func goroutines(functions ...func()) {
	var running sync.WaitGroup
	for _, f := range functions {
		running.Go(f)
	}
	running.Wait()
}

// sendNative is what Chan.Send is in plain Go.
func sendNative[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receiveUnder is what Chan.Recv is in plain Go.
func receiveUnder[T any](ctx context.Context, c <-chan T) (T, error) {
	select {
	case v, open := <-c:
		if !open {
			return v, runtime.ErrClosed
		}
		return v, nil
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}

// receiveNative receives like Chan.Recv.
func receiveNative[T any](c <-chan T) (T, error) {
	v, open := <-c
	if !open {
		return v, runtime.ErrClosed
	}
	return v, nil
}

// trySendNative sends if that is possible at once.
func trySendNative[T any](c chan<- T, v T) bool {
	select {
	case c <- v:
		return true
	default:
		return false
	}
}

// tryReceiveNative says what a non-blocking receive found.
func tryReceiveNative[T any](c <-chan T) string {
	select {
	case v, open := <-c:
		return tried(v, open, open)
	default:
		return tried(*new(T), false, true)
	}
}

// filledNative returns a channel that holds one value.
func filledNative(v int) chan int {
	c := make(chan int, 1)
	c <- v
	return c
}

// sleepNative is what Runtime.Sleep is in plain Go.
func sleepNative(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nativeRegister is a variable that goroutines share.
type nativeRegister struct {
	mu    sync.Mutex
	value int
}

func (r *nativeRegister) get() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

func (r *nativeRegister) set(value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value = value
}
