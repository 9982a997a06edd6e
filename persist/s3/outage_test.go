package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// patient is work that goes on whatever the store does: appends and readings of one shard. What
// is tried is known, so that it can be held against what is there in the end.
type patient struct {
	client *persist.Client
	shard  persist.ShardID

	mu           sync.Mutex // guards what follows
	acknowledged map[string]bool
	unknown      map[string]bool
	appends      [appenders]int // how many have an answer, by task
	seen         uint64         // the upper that the tailing task has seen
	readings     int
}

const appenders = 4

func newPatient(client *persist.Client) *patient {
	return &patient{
		client: client, shard: persist.ShardID{9},
		acknowledged: make(map[string]bool), unknown: make(map[string]bool),
	}
}

// start begins the tasks: some append, one waits for what they do, one reads it.
func (p *patient) start(ctx context.Context, rt *runtime.Runtime, pause time.Duration) *runtime.Group {
	group := rt.NewGroup(ctx)
	for i := range appenders {
		group.Go("appender", func(ctx context.Context) error { return p.append(ctx, rt, i, pause) })
	}
	group.Go("tail", p.tail)
	group.Go("reader", func(ctx context.Context) error { return p.read(ctx, rt, pause) })
	return group
}

// append appends rows of its own until ctx ends. What nobody knows of it leaves alone.
func (p *patient) append(ctx context.Context, rt *runtime.Runtime, name int, pause time.Duration) error {
	w, err := p.client.OpenWriter(ctx, p.shard, persist.WriterOptions{Purpose: "test"})
	if err != nil {
		return over(ctx, err)
	}
	upper := uint64(0)
	for n := 0; ; {
		row := fmt.Sprintf("appender %d row %d", name, n)
		update := persist.Update{Row: []byte(row), Time: upper, Diff: 1}
		err := w.CompareAndAppend(ctx, []persist.Update{update}, frontier.At(upper), frontier.At(upper+1))
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		switch {
		case errors.As(err, &mismatch):
			upper, _ = mismatch.Current.Time()
			continue
		case err == nil:
			upper++
		case ctx.Err() != nil: // it may be there or not
		case !errors.As(err, &unknown):
			return err
		}
		p.note(name, row, err == nil)
		n++
		if err := rt.Sleep(ctx, pause); err != nil {
			return nil
		}
	}
}

func (p *patient) note(name int, row string, isAcknowledged bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appends[name]++
	if isAcknowledged {
		p.acknowledged[row] = true
	} else {
		p.unknown[row] = true
	}
}

// tail waits for the upper to move, again and again.
func (p *patient) tail(ctx context.Context) error {
	shard, err := p.client.OpenShard(ctx, p.shard)
	if err != nil {
		return over(ctx, err)
	}
	for upper := uint64(0); ; {
		if err := shard.WaitForUpperPast(ctx, frontier.At(upper)); err != nil {
			return over(ctx, err)
		}
		upper, _ = shard.SharedUpper().Time()
		p.mu.Lock()
		p.seen = upper
		p.mu.Unlock()
	}
}

// read reads all rows now and then, with a reader that it opens for that.
func (p *patient) read(ctx context.Context, rt *runtime.Runtime, pause time.Duration) error {
	for {
		if _, err := p.rows(ctx); err == nil {
			p.mu.Lock()
			p.readings++
			p.mu.Unlock()
		}
		if err := rt.Sleep(ctx, 5*pause); err != nil {
			return nil
		}
	}
}

// rows returns all rows that are there.
func (p *patient) rows(ctx context.Context) ([]persist.Update, error) {
	reader, err := p.client.OpenReader(ctx, p.shard, persist.ReaderOptions{Purpose: "test"})
	if err != nil {
		return nil, err
	}
	defer reader.Close(ctx) //nolint:errcheck // its lease ends by itself
	upper, err := reader.FetchRecentUpper(ctx)
	if err != nil {
		return nil, err
	}
	newest, _ := upper.Time()
	if newest == 0 {
		return nil, nil
	}
	return reader.Snapshot(ctx, newest-1)
}

// over returns an error, unless ctx has ended.
func over(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// progress returns how far the task is that has done least: appends, the upper seen, readings.
func (p *patient) progress() (appends int, seen uint64, readings int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.appends[0], p.appends[1], p.appends[2], p.appends[3]), p.seen, p.readings
}

// audit compares what is there with what was told: each acknowledged row once, others at most.
func (p *patient) audit(ctx context.Context) error {
	rows, err := p.rows(ctx)
	if err != nil {
		return err
	}
	there := make(map[string]int64)
	for _, row := range rows {
		there[string(row.Row)] += row.Diff
	}
	for row := range p.acknowledged {
		if there[row] != 1 {
			err = errors.Join(err, fmt.Errorf("%s was acknowledged, and is there %d times", row, there[row]))
		}
	}
	for row, n := range there {
		if !p.acknowledged[row] && (!p.unknown[row] || n != 1) {
			err = errors.Join(err, fmt.Errorf("%s is there %d times, and was never appended", row, n))
		}
	}
	return err
}

// The limits of what a store that is down may see of a client: of one task that wants something
// at most operationRequests in each operationTime, the limit of an operation, whatever comes of it.
const (
	operationTime     = 180 * time.Second
	operationRequests = 40
)

// TestAnHourWithoutTheStore protects a process whose store is down: it makes no storm of requests,
// keeps no more than it had before, and is back at work soon after the store is.
func TestAnHourWithoutTheStore(t *testing.T) {
	for seed := range seeds(1, 4) {
		faults := newPlan(t, "", 0)
		var requests atomic.Int64
		result, err := sim.Run(t.Context(), sim.Config{Seed: seed}, func(ctx context.Context, w *sim.World) error {
			rt := w.Runtime()
			model, err := newService(ctx, rt, service.Options{})
			if err != nil {
				return err
			}
			way := faults.Transport(rt, model.Transport(rt))
			store, err := openModel(ctx, rt, roundTripper(func(r *http.Request) (*http.Response, error) {
				requests.Add(1)
				return way.RoundTrip(r)
			}), s3.Options{})
			if err != nil {
				return err
			}
			client, err := persist.New(rt, store.Blob(), store.Consensus(), persist.Config{})
			if err != nil {
				return err
			}
			o := &outage{t: t, world: w, requests: &requests, work: newPatient(client)}
			return o.run(ctx, rt, func() (end func()) { return faults.Outage("") })
		})
		must(t, err)
		if result.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v", seed, result.Verdict)
		}
	}
}

// outage is an hour of a simulated world without its store.
type outage struct {
	t        *testing.T
	world    *sim.World
	requests *atomic.Int64
	work     *patient
}

func (o *outage) run(ctx context.Context, rt *runtime.Runtime, begin func() (end func())) error {
	working, cancel := rt.WithCancel(ctx)
	defer cancel()
	group := o.work.start(working, rt, time.Second)
	if err := rt.Sleep(ctx, time.Minute); err != nil {
		return err
	}
	appendsBefore, _, readingsBefore := o.work.progress()
	rt.Always(appendsBefore > 5, "it-appends-before", "appends", appendsBefore)
	rt.Always(readingsBefore > 2, "it-reads-before", "readings", readingsBefore)
	tasksBefore, timersBefore := o.world.Left()
	end := begin()
	if err := o.endure(ctx, rt, len(tasksBefore), timersBefore); err != nil {
		return err
	}
	end()

	// Whoever waits does so for at most 16 s in the package and as long in the engine.
	const catchUpMax = 35 * time.Second
	appends, seen, readings := o.work.progress()
	if err := rt.Sleep(ctx, catchUpMax); err != nil {
		return err
	}
	appendsAfter, seenAfter, readingsAfter := o.work.progress()
	rt.Always(appendsAfter > appends, "appends-go-on", "before", appends, "after", appendsAfter)
	rt.Always(seenAfter > seen, "the-tail-goes-on", "before", seen, "after", seenAfter)
	rt.Always(readingsAfter > readings, "readings-go-on", "before", readings, "after", readingsAfter)
	cancel()
	if err := group.Wait(); err != nil {
		return err
	}
	o.t.Logf("%d rows, %d of which nobody knew", len(o.work.acknowledged), len(o.work.unknown))
	if err := o.work.audit(ctx); err != nil {
		rt.Always(false, "exactly-once", "error", err)
	}
	o.work.client.Close()
	tasks, timers := o.world.Left()
	rt.Always(len(tasks) == 0 && timers == 0, "nothing-is-left", "tasks", len(tasks), "timers", timers)
	return nil
}

// endure lets the hour pass, and looks how much the client asks for and keeps.
func (o *outage) endure(ctx context.Context, rt *runtime.Runtime, tasksBefore, timersBefore int) error {
	tasksMost, timersMost, requestsMost := 0, 0, int64(0)
	for range int(time.Hour / operationTime) {
		before := o.requests.Load()
		if err := rt.Sleep(ctx, operationTime); err != nil {
			return err
		}
		sent := o.requests.Load() - before
		tasks, timers := o.world.Left()
		tasksMost, timersMost = max(tasksMost, len(tasks)), max(timersMost, timers)
		requestsMost = max(requestsMost, sent)
		allowed := int64(operationRequests * (appenders + 2 + tasksOfUpkeep))
		rt.Always(sent <= allowed, "no-storm", "requests", sent, "allowed", allowed)
		rt.Always(len(tasks) <= tasksBefore+tasksOfUpkeep, "tasks-are-bounded", "tasks", len(tasks))
		rt.Always(timers <= 4*(len(tasks)+1), "timers-are-bounded", "before", timersBefore, "timers", timers)
	}
	o.t.Logf("at most %d requests in %v, %d tasks (%d before), %d timers (%d before)",
		requestsMost, operationTime, tasksMost, tasksBefore, timersMost, timersBefore)
	return nil
}

// tasksOfUpkeep is how many tasks of its own a client has at most for one shard: one that commits for
// those who wait, and those for rollups, garbage, merges and the heartbeats of a reader.
const tasksOfUpkeep = 5

// TestAWhileWithoutTheServer protects the same live, over a real server, for a shorter time.
func TestAWhileWithoutTheServer(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	var isDown atomic.Bool
	var requests atomic.Int64
	store, err := opened(t, server, prefix, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if isDown.Load() {
				requests.Add(1)
				return nil, &net.OpError{Op: "read", Net: "tcp", Err: errDropped} // unclear, unlike a dial
			}
			return next.RoundTrip(r)
		})
	}, s3.Options{Probe: s3.ProbeNone})
	must(t, err)
	rt := runtime.New(runtime.Options{})
	client, err := persist.New(rt, store.Blob(), store.Consensus(), persist.Config{})
	must(t, err)
	defer client.Close()
	work := newPatient(client)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	group := work.start(ctx, rt, 5*time.Millisecond)
	until := func(what string, within time.Duration, isSo func() bool) {
		t.Helper()
		for begin := rt.Now(); !isSo(); must(t, rt.Sleep(ctx, 10*time.Millisecond)) {
			if rt.Since(begin) > within {
				t.Fatalf("%s: not within %v", what, within)
			}
		}
	}
	until("it works", 20*time.Second, func() bool {
		appends, _, readings := work.progress()
		return appends > 5 && readings > 2
	})
	goroutines := goruntime.NumGoroutine()
	const down = 3 * time.Second
	isDown.Store(true)
	must(t, rt.Sleep(ctx, down))
	kept := goruntime.NumGoroutine()
	isDown.Store(false)
	sent := requests.Load()
	begin := rt.Now()
	appends, seen, readings := work.progress()
	until("it works again", 10*time.Second, func() bool {
		a, s, r := work.progress()
		return a > appends && s > seen && r > readings
	})
	t.Logf("%d requests in %v, %d goroutines (%d before); back at work after %v", sent, down, kept, goroutines,
		rt.Since(begin))
	// Pauses double from 4 ms, and are at least half of that: 11 attempts in 3 s.
	if allowed := int64(11 * (appenders + 2 + tasksOfUpkeep)); sent > allowed {
		t.Errorf("%d requests while the server was down, at most %d are allowed", sent, allowed)
	}
	if kept > goroutines+20 {
		t.Errorf("%d goroutines, and %d before", kept, goroutines)
	}
	cancel()
	must(t, group.Wait())
	must(t, work.audit(t.Context()))
}
