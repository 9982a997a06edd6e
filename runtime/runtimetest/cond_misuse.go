package runtimetest

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var condMisuseCases = []Case{
	{
		Name:    "cond/signal-is-not-remembered",
		Allowed: []string{"before the rescue", "after the rescue"},
		Native: func() string {
			var m sync.Mutex
			cond, rescued := sync.NewCond(&m), false
			outcome := "before the rescue"
			goroutines(
				func() {
					m.Lock()
					defer m.Unlock()
					if !rescued {
						cond.Wait()
					}
					if rescued {
						outcome = "after the rescue"
					}
				},
				func() {
					cond.Signal()
					m.Lock()
					rescued = true
					cond.Broadcast()
					m.Unlock()
				},
			)
			return outcome
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond, rescued := rt.NewCond(m), false
			outcome := "before the rescue"
			tasks(ctx, rt,
				func() {
					m.Lock()
					defer m.Unlock()
					if !rescued {
						cond.Wait()
					}
					if rescued {
						outcome = "after the rescue"
					}
				},
				func() {
					cond.Signal()
					m.Lock()
					rescued = true
					cond.Broadcast()
					m.Unlock()
				},
			)
			return outcome
		},
	},
	{
		Name:    "cond/if-instead-of-for-underflows",
		Allowed: []string{"a", "b"},
		Native: func() string {
			var m sync.Mutex
			cond, items := sync.NewCond(&m), 0
			arrived := make(chan int, 2)
			var outcome string
			take := func(who string) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					arrived <- 1
					cond.Wait()
					if items--; items < 0 {
						outcome += who
					}
				}
			}
			goroutines(take("a"), take("b"), func() {
				<-arrived
				<-arrived
				m.Lock()
				items = 1
				m.Unlock()
				cond.Broadcast()
			})
			return outcome
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond, items := rt.NewCond(m), 0
			arrived := runtime.NewChan[int](rt, 2)
			var outcome string
			take := func(who string) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					send(ctx, arrived, 1)
					cond.Wait()
					if items--; items < 0 {
						outcome += who
					}
				}
			}
			tasks(ctx, rt, take("a"), take("b"), func() {
				receive(ctx, arrived)
				receive(ctx, arrived)
				m.Lock()
				items = 1
				m.Unlock()
				cond.Broadcast()
			})
			return outcome
		},
	},
	{
		Name:          "cond/signal-without-the-lock-can-be-lost",
		Allowed:       []string{"not there", "woken", Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			cond := rt.NewCond(m)
			outcome, come := "woken", true
			tasks(ctx, rt,
				func() {
					m.Lock()
					if come {
						cond.Wait()
					}
					m.Unlock()
				},
				func() {
					if m.TryLock() { // not there yet, or waiting already
						come, outcome = false, "not there"
						cond.Signal()
						m.Unlock()
						return
					}
					cond.Signal()
				},
			)
			return outcome
		},
	},
}
