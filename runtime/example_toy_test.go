package runtime_test

import (
	"cmp"
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/runtime/runtimetest"
)

// toyScheduler is a complete scheduler: first in, first out. Every task has a
// goroutine, and waits on the channel in its Slot for its turn.
type toyScheduler struct {
	verdict      string // not empty: the run is over
	now          int64
	current      *runtime.Task
	tasks, ready []*runtime.Task
	alarms       []*runtime.Alarm // their times are in their Slots
	polls        []func() bool
	turnOver     chan struct{} // a task gives its turn back
}

// Run runs main as the first task of rt, until it returns or nobody can go on.
func (s *toyScheduler) Run(rt *runtime.Runtime, main func(ctx context.Context)) string {
	s.turnOver = make(chan struct{})
	rt.Root("main", func(ctx context.Context) error {
		main(ctx)
		s.end("ok")
		return nil
	})
	for s.verdict == "" {
		s.polls = slices.DeleteFunc(s.polls, func(poll func() bool) bool { return poll() })
		switch {
		case len(s.ready) > 0:
			t := s.ready[0]
			s.ready = s.ready[1:]
			s.resume(t)
		case len(s.alarms) > 0:
			a := slices.MinFunc(s.alarms, func(a, b *runtime.Alarm) int { return cmp.Compare(a.Slot.(int64), b.Slot.(int64)) })
			s.now = max(s.now, a.Slot.(int64))
			s.StopAlarm(a)
			a.Fire()
		default:
			s.end(runtimetest.Deadlock)
		}
	}
	for len(s.tasks) > 0 { // whoever is left unwinds
		s.resume(s.tasks[0])
	}
	return s.verdict
}

func (s *toyScheduler) end(verdict string) { s.verdict = cmp.Or(s.verdict, verdict) }

func (s *toyScheduler) resume(t *runtime.Task) {
	s.current = t
	t.Slot.(chan struct{}) <- struct{}{}
	<-s.turnOver
	s.current = nil
}

func (s *toyScheduler) Spawn(t *runtime.Task) {
	turn := make(chan struct{})
	t.Slot = turn
	s.tasks, s.ready = append(s.tasks, t), append(s.ready, t)
	go func() {
		defer func() {
			s.tasks = slices.DeleteFunc(s.tasks, func(other *runtime.Task) bool { return other == t })
			s.turnOver <- struct{}{}
		}()
		if <-turn; s.verdict == "" {
			t.Run()
		}
	}()
}

func (s *toyScheduler) Point(op runtime.Op) *runtime.Task {
	t := s.current
	s.ready = append(s.ready, t)
	s.Park(op)
	return t
}

func (s *toyScheduler) Park(runtime.Op) {
	if t := s.current; s.verdict == "" {
		s.turnOver <- struct{}{}
		<-t.Slot.(chan struct{})
	}
	if s.verdict != "" {
		goruntime.Goexit()
	}
}

func (s *toyScheduler) SetAlarm(a *runtime.Alarm, at int64) {
	s.StopAlarm(a)
	a.Slot, s.alarms = at, append(s.alarms, a)
}

func (s *toyScheduler) StopAlarm(a *runtime.Alarm) bool {
	n := len(s.alarms)
	s.alarms = slices.DeleteFunc(s.alarms, func(other *runtime.Alarm) bool { return other == a })
	return len(s.alarms) < n
}

func (s *toyScheduler) Fail(f runtime.Failure) {
	if s.end(f.Message); f.Kind == runtime.FailureMisuse {
		s.verdict = runtimetest.Misuse
	}
	goruntime.Goexit()
}

func (s *toyScheduler) Current() *runtime.Task         { return s.current }
func (s *toyScheduler) Ready(t *runtime.Task)          { s.ready = append(s.ready, t) }
func (s *toyScheduler) Now() int64                     { return s.now }
func (s *toyScheduler) Poll(f func() bool)             { s.polls = append(s.polls, f) }
func (s *toyScheduler) Choose(string, string, int) int { return 0 }
func (s *toyScheduler) Record(runtime.Event)           {}

// A toy that takes turns is plugged in: an hour passes in no time, and a
// deadlock is found instead of waited for.
func ExamplePlug() {
	toy := &toyScheduler{}
	rt := runtime.Plug(toy, runtime.Options{})
	verdict := toy.Run(rt, func(ctx context.Context) {
		start := rt.Now()
		lock := rt.NewMutex()
		sleeper := rt.Go(ctx, "sleeper", func(ctx context.Context) error {
			lock.Lock()
			return rt.Sleep(ctx, time.Hour) // and forgets to unlock
		})
		fmt.Println(sleeper.Path(), sleeper.Wait(ctx), rt.Since(start))
		lock.Lock()
	})
	fmt.Println(verdict)
	// Output:
	// main/sleeper <nil> 1h0m0s
	// deadlock
}

// The seam is real: on another scheduler than the simulator's every case ends
// with an allowed outcome.
func TestToySchedulerConforms(t *testing.T) {
	runtimetest.Run(t, runtimetest.Implementation{
		Execute: func(_ *testing.T, c runtimetest.Case, _ int) (outcome string) {
			toy := &toyScheduler{}
			rt := runtime.Plug(toy, runtime.Options{})
			if verdict := toy.Run(rt, func(ctx context.Context) { outcome = c.Body(ctx, rt) }); verdict != "ok" {
				return verdict
			}
			return outcome
		},
		Repetitions: 1,
		Scheduler:   true,
	})
}
