package runtimetest_test

import (
	"context"
	goruntime "runtime"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/runtime/runtimetest"
)

// lottery is a scheduler that draws who goes on, uniformly, before every
// operation. It shows that a scheduler without any cleverness reaches every
// allowed outcome, independently of the simulator.
type lottery struct {
	rand    *runtime.Rand
	ready   []*runtime.Task
	current *runtime.Task
	alarms  []*runtime.Alarm // pending; their Slots hold the times
	polls   []func() bool
	now     int64
	tasks   []*runtime.Task
	parked  chan struct{} // the current task gives the CPU back
	over    bool
	outcome string
}

// place is what the lottery keeps in the Slot of a task.
type place struct {
	resume chan struct{}
	ended  bool
}

// runLottery runs one case with one seed.
func runLottery(c runtimetest.Case, seed uint64) string {
	s := &lottery{rand: runtime.NewRand(seed), parked: make(chan struct{})}
	rt := runtime.Plug(s, runtime.Options{Seed: seed})
	rt.Root("main", func(ctx context.Context) error {
		outcome := c.Body(ctx, rt)
		if !s.over {
			s.end(outcome)
		}
		return nil
	})
	for !s.over {
		s.step()
	}
	for _, t := range s.tasks { // those that are still there unwind
		if !t.Slot.(*place).ended {
			s.resume(t)
		}
	}
	return s.outcome
}

func (s *lottery) end(outcome string) { s.over, s.outcome = true, outcome }

// step draws among the tasks that can go on and the alarms that are due.
func (s *lottery) step() {
	s.now += 1000
	s.current = nil
	s.polls = slices.DeleteFunc(s.polls, func(poll func() bool) bool { return poll() })
	due := s.due()
	n := len(s.ready) + len(due)
	if n == 0 {
		s.advance()
		return
	}
	i := s.rand.IntN(n)
	if i < len(s.ready) {
		t := s.ready[i]
		s.ready = slices.Delete(s.ready, i, i+1)
		s.resume(t)
		return
	}
	a := due[i-len(s.ready)]
	s.StopAlarm(a)
	a.Fire()
}

func (s *lottery) due() (due []*runtime.Alarm) {
	for _, a := range s.alarms {
		if a.Slot.(int64) <= s.now {
			due = append(due, a)
		}
	}
	return due
}

// advance moves the clock to the next alarm. Without one it is a deadlock.
func (s *lottery) advance() {
	if len(s.alarms) == 0 {
		s.end(runtimetest.Deadlock)
		return
	}
	next := s.alarms[0].Slot.(int64)
	for _, a := range s.alarms {
		next = min(next, a.Slot.(int64))
	}
	s.now = max(s.now, next)
}

// resume gives the CPU to a task until it gives it back.
func (s *lottery) resume(t *runtime.Task) {
	s.current = t
	t.Slot.(*place).resume <- struct{}{}
	<-s.parked
}

// park gives the CPU back.
func (s *lottery) park() *runtime.Task {
	t := s.current
	if !s.over {
		s.parked <- struct{}{}
		<-t.Slot.(*place).resume
	}
	if s.over {
		goruntime.Goexit()
	}
	return t
}

func (s *lottery) Spawn(t *runtime.Task) {
	if s.over {
		return
	}
	p := &place{resume: make(chan struct{})}
	t.Slot = p
	s.tasks = append(s.tasks, t)
	s.ready = append(s.ready, t)
	go func() {
		defer func() {
			p.ended = true
			s.parked <- struct{}{}
		}()
		<-p.resume
		if !s.over {
			t.Run()
		}
	}()
}

func (s *lottery) Current() *runtime.Task { return s.current }

func (s *lottery) Point(runtime.Op) *runtime.Task {
	s.ready = append(s.ready, s.current)
	return s.park()
}

func (s *lottery) Park(runtime.Op) { s.park() }

func (s *lottery) Ready(t *runtime.Task) { s.ready = append(s.ready, t) }

func (s *lottery) Now() int64 { return s.now }

func (s *lottery) SetAlarm(a *runtime.Alarm, at int64) {
	s.StopAlarm(a)
	a.Slot = at
	s.alarms = append(s.alarms, a)
}

func (s *lottery) StopAlarm(a *runtime.Alarm) bool {
	i := slices.Index(s.alarms, a)
	if i >= 0 {
		s.alarms = slices.Delete(s.alarms, i, i+1)
	}
	return i >= 0
}

func (s *lottery) Poll(f func() bool) { s.polls = append(s.polls, f) }

func (s *lottery) Choose(_, _ string, n int) int { return s.rand.IntN(n) }

func (s *lottery) Record(runtime.Event) {}

func (s *lottery) Fail(f runtime.Failure) {
	if !s.over {
		s.end(runtimetest.Misuse)
		if f.Kind != runtime.FailureMisuse {
			s.outcome = "failure: " + f.Message + "\n" + string(f.Stack)
		}
	}
	goruntime.Goexit()
}
