package runtime

import (
	"context"
	"math"
	"time"

	"github.com/benbjohnson/clock"
)

// Since returns the time that has passed since t.
func (rt *Runtime) Since(t time.Time) time.Duration { return rt.Now().Sub(t) }

// Sleep waits for d, or returns ctx's error. A d of zero or less lets others
// run and returns at once.
func (rt *Runtime) Sleep(ctx context.Context, d time.Duration) error {
	if rt.sched == nil {
		return rt.liveSleep(ctx, d)
	}
	cancel, err := rt.cancellerOf(ctx)
	if err != nil {
		return err
	}
	defer cancel.leave()
	t := rt.enter(OpSleep, nil)
	if cancel.preempts(d <= 0) {
		return cancel.failure()
	}
	if d <= 0 {
		return nil
	}
	t.setAlarm(rt.timeAfter(d))
	if cancel.park(t, Op{OpSleep, nil}) == armCancel {
		return cancel.failure()
	}
	return nil
}

func (rt *Runtime) liveSleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := rt.clock.Timer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Timer sends the time on C, or runs a function, once. As in Go since 1.23,
// no stale value is received from C after Stop or Reset has returned.
type Timer struct {
	// C receives the time; nil for a timer made by AfterFunc. It is only ever
	// received from.
	C *Chan[time.Time]

	native *clock.Timer
	sim    *simTimer
}

// NewTimer returns a timer that fires after d.
func (rt *Runtime) NewTimer(d time.Duration) *Timer {
	if rt.sched == nil {
		native := rt.clock.Timer(d)
		return &Timer{C: &Chan[time.Time]{source: native.C}, native: native}
	}
	s, c := newSimTimer(rt, "timer")
	s.reset(d)
	return &Timer{C: c, sim: s}
}

// AfterFunc runs f in a task of its own after d.
//
//go:norace
func (rt *Runtime) AfterFunc(d time.Duration, f func()) *Timer {
	if rt.sched == nil {
		return &Timer{native: rt.clock.AfterFunc(d, f)}
	}
	s := &simTimer{}
	rt.name(&s.Object, "timer")
	s.body = func(context.Context) error { f(); return nil }
	s.alarm.Fire = s.fire
	rt.enter(OpTimer, &s.Object)
	s.reset(d)
	return &Timer{sim: s}
}

// Stop prevents the timer from firing and reports whether it did.
func (t *Timer) Stop() bool {
	if t.sim == nil {
		return t.native.Stop()
	}
	t.sim.rt.enter(OpTimer, &t.sim.Object)
	return t.sim.stop()
}

// Reset lets the timer fire after d from now, and reports whether it was
// still to fire.
func (t *Timer) Reset(d time.Duration) bool {
	if t.sim == nil {
		return t.native.Reset(d)
	}
	t.sim.rt.enter(OpTimer, &t.sim.Object)
	pending := t.sim.stop()
	t.sim.reset(d)
	return pending
}

// Ticker sends the time on C at intervals, and drops ticks for a slow
// receiver.
type Ticker struct {
	// C receives the time. It is only ever received from.
	C *Chan[time.Time]

	native *clock.Ticker
	sim    *simTimer
}

// NewTicker returns a ticker with a period of d. It panics if d is not
// positive.
//
//go:norace
func (rt *Runtime) NewTicker(d time.Duration) *Ticker {
	positivePeriod(d)
	if rt.sched == nil {
		native := rt.clock.Ticker(d)
		return &Ticker{C: &Chan[time.Time]{source: native.C}, native: native}
	}
	s, c := newSimTimer(rt, "ticker")
	s.period = d
	s.reset(d)
	return &Ticker{C: c, sim: s}
}

// Stop ends the ticking. It does not close C.
func (t *Ticker) Stop() {
	if t.sim == nil {
		t.native.Stop()
		return
	}
	t.sim.rt.enter(OpTimer, &t.sim.Object)
	t.sim.stop()
}

// Reset changes the period; the next tick comes after d from now. It panics
// if d is not positive.
//
//go:norace
func (t *Ticker) Reset(d time.Duration) {
	positivePeriod(d)
	if t.sim == nil {
		t.native.Reset(d)
		return
	}
	t.sim.rt.enter(OpTimer, &t.sim.Object)
	t.sim.stop()
	t.sim.period = d
	t.sim.reset(d)
}

func positivePeriod(d time.Duration) {
	if d <= 0 {
		panic("runtime: ticker with a period that is not positive")
	}
}

// simTimer is a timer or ticker under a scheduler.
type simTimer struct {
	Object
	armed   stamp // by who set it
	alarm   Alarm
	channel *simChan[time.Time]
	body    func(context.Context) error // of AfterFunc, which has no channel
	pending bool
	period  time.Duration // 0: fires once
	next    int64
}

// newSimTimer returns a timer that sends on the channel, not yet set.
//
//go:norace
func newSimTimer(rt *Runtime, kind string) (*simTimer, *Chan[time.Time]) {
	s := &simTimer{channel: newSimChan[time.Time](1)}
	s.channel.ofTimer = true
	rt.name(&s.Object, kind)
	s.channel.Object = s.Object
	s.alarm.Fire = s.fire
	rt.enter(OpTimer, &s.Object)
	return s, &Chan[time.Time]{sim: s.channel}
}

//go:norace
func (s *simTimer) fire() {
	s.armed.observe()
	s.pending = false
	if s.body != nil {
		s.rt.spawnHere(&s.rt.root, context.Background(), "after-func", nil, s.body)
		return
	}
	now := s.rt.sched.Now()
	if s.period > 0 {
		for s.next += int64(s.period); s.next <= now; {
			s.next += int64(s.period)
		}
		s.pending = true
		s.rt.sched.SetAlarm(&s.alarm, s.next)
	}
	if s.channel.canSend() {
		s.channel.put(s.rt.wallTime(now))
	}
}

//go:norace
func (s *simTimer) reset(d time.Duration) {
	s.pending = true
	s.armed.set()
	s.next = s.rt.timeAfter(max(d, 0))
	s.rt.sched.SetAlarm(&s.alarm, s.next)
}

// stop also drops a value that nobody has received yet: a timer that fired
// unobserved counts as still pending, as in Go.
//
//go:norace
func (s *simTimer) stop() bool {
	pending := s.pending
	if s.pending {
		s.rt.sched.StopAlarm(&s.alarm)
		s.pending = false
	}
	if c := s.channel; c != nil && c.length > 0 {
		c.get()
		pending = true
	}
	return pending
}

// timeAfter returns the time in d from now, in nanoseconds since the Unix
// epoch. What is too far away to be counted is as good as never.
func (rt *Runtime) timeAfter(d time.Duration) int64 {
	now := rt.sched.Now()
	if int64(d) > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + int64(d)
}

// nanoseconds returns t since the Unix epoch, as close as it can be counted.
func nanoseconds(t time.Time) int64 {
	switch {
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	}
	return t.UnixNano()
}
