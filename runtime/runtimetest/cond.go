package runtimetest

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var condCases = []Case{
	{
		Name:    "cond/signal-wakes-who-waited-longest",
		Allowed: []string{"ab woke a", "ba woke b"},
		Native: func() string {
			var m sync.Mutex
			cond := sync.NewCond(&m)
			arrived, woken := make(chan string, 2), make(chan string, 2)
			wait := func(who string) func() {
				return func() {
					m.Lock()
					arrived <- who
					cond.Wait()
					woken <- who
					m.Unlock()
				}
			}
			var outcome string
			goroutines(wait("a"), wait("b"), func() {
				order := <-arrived + <-arrived
				m.Lock() // both wait: whoever arrived has let go of the lock
				cond.Signal()
				m.Unlock()
				outcome = words(order, "woke", <-woken)
				cond.Broadcast()
			})
			return outcome
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond := rt.NewCond(m)
			arrived, woken := runtime.NewChan[string](rt, 2), runtime.NewChan[string](rt, 2)
			wait := func(who string) func() {
				return func() {
					m.Lock()
					send(ctx, arrived, who)
					cond.Wait()
					send(ctx, woken, who)
					m.Unlock()
				}
			}
			var outcome string
			tasks(ctx, rt, wait("a"), wait("b"), func() {
				order := receive(ctx, arrived) + receive(ctx, arrived)
				m.Lock() // both wait: whoever arrived has let go of the lock
				cond.Signal()
				m.Unlock()
				outcome = words(order, "woke", receive(ctx, woken))
				cond.Broadcast()
			})
			return outcome
		},
	},
	{
		Name:    "cond/broadcast-wakes-all",
		Allowed: []string{"12", "21"},
		Native: func() string {
			var m sync.Mutex
			var j journal
			cond, open := sync.NewCond(&m), false
			wait := func(who string) func() {
				return func() {
					m.Lock()
					for !open {
						cond.Wait()
					}
					j.note(who)
					m.Unlock()
				}
			}
			goroutines(wait("1"), wait("2"), func() {
				m.Lock()
				open = true
				m.Unlock()
				cond.Broadcast()
			})
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var j journal
			cond, open := rt.NewCond(m), false
			wait := func(who string) func() {
				return func() {
					m.Lock()
					for !open {
						cond.Wait()
					}
					j.note(who)
					m.Unlock()
				}
			}
			tasks(ctx, rt, wait("1"), wait("2"), func() {
				m.Lock()
				open = true
				m.Unlock()
				cond.Broadcast()
			})
			return j.String()
		},
	},
	{
		Name:    "cond/no-wake-up-lost-under-the-lock",
		Allowed: []string{"woken"},
		Native: func() string {
			var m sync.Mutex
			cond := sync.NewCond(&m)
			arrived := make(chan int, 1)
			goroutines(
				func() { m.Lock(); arrived <- 1; cond.Wait(); m.Unlock() },
				func() { <-arrived; m.Lock(); cond.Signal(); m.Unlock() },
			)
			return "woken"
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond := rt.NewCond(m)
			arrived := runtime.NewChan[int](rt, 1)
			tasks(ctx, rt,
				func() { m.Lock(); send(ctx, arrived, 1); cond.Wait(); m.Unlock() },
				func() { receive(ctx, arrived); m.Lock(); cond.Signal(); m.Unlock() },
			)
			return "woken"
		},
	},
	{
		Name:    "cond/one-item-for-two",
		Allowed: []string{"a1 b2", "a2 b1"},
		Native: func() string {
			var m sync.Mutex
			cond := sync.NewCond(&m)
			items, next := 0, 1
			var a, b int
			take := func(got *int) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					for items == 0 {
						cond.Wait()
					}
					items--
					*got = next
					next++
				}
			}
			put := func() { m.Lock(); items++; m.Unlock(); cond.Broadcast() }
			goroutines(take(&a), take(&b), func() { put(); put() })
			return words("a"+show(a), "b"+show(b))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond := rt.NewCond(m)
			items, next := 0, 1
			var a, b int
			take := func(got *int) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					for items == 0 {
						cond.Wait()
					}
					items--
					*got = next
					next++
				}
			}
			put := func() { m.Lock(); items++; m.Unlock(); cond.Broadcast() }
			tasks(ctx, rt, take(&a), take(&b), func() { put(); put() })
			return words("a"+show(a), "b"+show(b))
		},
	},
	{
		Name:    "cond/reader-side-of-a-rwmutex",
		Allowed: []string{"2"},
		Native: func() string {
			var m sync.RWMutex
			cond, open := sync.NewCond(m.RLocker()), false
			done := make(chan int, 2)
			wait := func() {
				m.RLock()
				for !open {
					cond.Wait()
				}
				m.RUnlock()
				done <- 1
			}
			goroutines(wait, wait, func() {
				m.Lock()
				open = true
				m.Unlock()
				cond.Broadcast()
			})
			return show(len(done))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			cond, open := rt.NewCond(m.RLocker()), false
			done := runtime.NewChan[int](rt, 2)
			wait := func() {
				m.RLock()
				for !open {
					cond.Wait()
				}
				m.RUnlock()
				send(ctx, done, 1)
			}
			tasks(ctx, rt, wait, wait, func() {
				m.Lock()
				open = true
				m.Unlock()
				cond.Broadcast()
			})
			return show(done.Len())
		},
	},
}
