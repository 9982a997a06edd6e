package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

const (
	simulatedBucket = "bucket"
	simulatedPrefix = "store"
)

// newService returns a service with an empty store in it.
func newService(ctx context.Context, rt *runtime.Runtime, options service.Options) (*service.Service, error) {
	s := service.New("s3", options)
	s.CreateBucket(simulatedBucket)
	_, err := service.NewClient(rt, s.Transport(rt)).PutObject(ctx, &awss3.PutObjectInput{
		Bucket: aws.String(simulatedBucket), Key: aws.String(simulatedPrefix + "/FORMAT"),
		Body: strings.NewReader(formatOf(1, location)),
	})
	return s, err
}

// openModel opens the store of a service, through a way to it.
func openModel(
	ctx context.Context, rt *runtime.Runtime, way http.RoundTripper, options s3.Options,
) (*s3.Store, error) {
	options.Probe = s3.ProbeNone
	return s3.Open(ctx, rt, service.NewClient(rt, way), simulatedBucket, simulatedPrefix, options)
}

func newPlan(t *testing.T, text string, seed uint64) *faulty.Faults {
	t.Helper()
	plan, err := faulty.ParsePlan(text)
	must(t, err)
	faults, err := faulty.New(plan, seed)
	must(t, err)
	return faults
}

// model returns the conformance suite's way to stores in a model of S3, under a plan of faults.
func model(plan string, options s3.Options) persisttest.Open {
	return func(t *testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
		t.Helper()
		s, err := newService(t.Context(), runtime.New(runtime.Options{}), service.Options{})
		must(t, err)
		faults := newPlan(t, plan, 1)
		return func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
			store, err := openModel(t.Context(), rt, faults.Transport(rt, s.Transport(rt)), options)
			must(t, err)
			return store.Blob(), store.Consensus()
		}
	}
}

// TestConformanceOverTheModel protects the contract of persist, and that the model is one of what
// the real servers are: the same suite runs over both. It needs no server.
func TestConformanceOverTheModel(t *testing.T) {
	open := model("", s3.Options{})
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open) })
}

// TestConformanceOverTheModelUnderFaults protects the contract where requests fail on their way.
// Writes of objects do not come late here, because the suite writes keys more than once,
// which the engine never does; those of versions do.
func TestConformanceOverTheModelUnderFaults(t *testing.T) {
	open := model("any fail-before 1/20; any fail-after 1/20; cas late 1/12; cas duplicate 1/12; cas conflict 1/12;"+
		" any throttle 1/100; any stall 1/20 5ms; get cut 1/20; get flip 1/20", impatient())
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open) })
}

// wayFaults are all that can happen between a process and the service.
const wayFaults = "any fail-before 1/25; any fail-after 1/25; cas late 1/12; set late 1/12; delete late 1/12;" +
	" cas duplicate 1/12; set duplicate 1/12; cas conflict 1/15; any stall 1/40 4s; any throttle 1/80; get cut 1/25;" +
	" get flip 1/25"

// wayEffects are those of wayFaults.
var wayEffects = []faulty.Effect{
	faulty.FailBefore, faulty.FailAfter, faulty.Late, faulty.Duplicate, faulty.Conflict, faulty.Stall, faulty.Throttle,
	faulty.Cut, faulty.Flip,
}

// sharedLog is a log in a model of S3, used by several nodes and watched.
type sharedLog struct {
	service *service.Service
	faults  *faulty.Faults
	watch   *invariants.Log
	history *persisttest.History
}

const (
	logNodes  = 3
	logRounds = 8
)

// main lets nodes use the log, under faults, and judges what they were told.
func (l *sharedLog) main(ctx context.Context, w *sim.World, options service.Options) error {
	rt := w.Runtime()
	var err error
	if l.service, err = newService(ctx, rt, options); err != nil {
		return err
	}
	l.watch, l.history = invariants.NewLog(), persisttest.NewHistory()
	for i := range logNodes {
		node, err := w.Node(fmt.Sprint("n", i), func(ctx context.Context, rt *runtime.Runtime) error {
			return l.process(ctx, rt, i)
		})
		if err != nil {
			return err
		}
		if err := node.Boot(); err != nil {
			return err
		}
	}
	for slices.ContainsFunc(w.Nodes(), func(n *sim.Node) bool { return n.State() != sim.Down }) {
		rt.Always(w.Elapsed() < time.Hour, "the-nodes-end")
		if err := rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	w.Quiesce(time.Second)

	// What is left is what everybody was told, also after the last late request.
	c, err := l.view(ctx, rt)
	if err != nil {
		return err
	}
	if _, _, err := c.Head(ctx, shard); err != nil {
		return err
	}
	if _, err := c.Scan(ctx, shard, 0, 1<<20); err != nil {
		return err
	}
	l.watch.Audit(rt)
	err = l.history.Check()
	rt.Always(err == nil, "linearizable", "error", err)
	return nil
}

// view returns the log as a process sees it, watched.
func (l *sharedLog) view(ctx context.Context, rt *runtime.Runtime) (persist.Consensus, error) {
	options := s3.Options{
		Limits: s3.Limits{FirstByte: 2 * time.Second, Attempt: 5 * time.Second, Operation: 30 * time.Second},
	}
	store, err := openModel(ctx, rt, l.faults.Transport(rt, l.service.Transport(rt)), options)
	if err != nil {
		return nil, err
	}
	return padded{l.watch.Consensus(rt, store.Consensus())}, nil
}

// padded makes versions so large that some of them have to leave the head.
type padded struct{ persist.Consensus }

func (c padded) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	next.Data = append(next.Data, bytes.Repeat([]byte(" "), 4<<10)...)
	return c.Consensus.CompareAndSet(ctx, key, expected, next)
}

// process has two tasks that append, one that reads and one that truncates.
func (l *sharedLog) process(ctx context.Context, rt *runtime.Runtime, name int) error {
	c, err := l.view(ctx, rt)
	if err != nil {
		return err
	}
	group := rt.NewGroup(ctx)
	for i := range 2 {
		group.Go("writer", func(ctx context.Context) error { return l.write(ctx, rt, 2*name+i, c) })
	}
	group.Go("reader", func(ctx context.Context) error {
		rand := rt.Rand("reader")
		for range logRounds {
			from := l.watch.Newest() - min(l.watch.Newest(), persist.SeqNo(rand.IntN(40)))
			if _, err := c.Scan(ctx, shard, from, 1+rand.IntN(50)); beyondRequests(err) != nil {
				return err
			}
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(300))*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go("collector", func(ctx context.Context) error {
		rand := rt.Rand("collector")
		for range 2 {
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond); err != nil {
				return err
			}
			newest := l.watch.Newest()
			before := newest - min(newest, persist.SeqNo(rand.IntN(40)))
			if _, err := c.Truncate(ctx, shard, before); beyondRequests(err) != nil && !errors.Is(err, persist.ErrUsage) {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// write appends behind what it has looked up, or where it was last.
func (l *sharedLog) write(ctx context.Context, rt *runtime.Runtime, client int, c persist.Consensus) error {
	rand := rt.Rand(fmt.Sprint("writer ", client))
	expected := persist.SeqNo(0)
	for range logRounds {
		if rand.IntN(3) > 0 {
			newest, err := l.history.Head(ctx, client, c, shard)
			if err == nil {
				expected = newest
			}
			if beyondRequests(err) != nil {
				return err
			}
		}
		isDone, err := l.history.CompareAndSet(ctx, client, c, shard, expected)
		if err != nil {
			return err
		}
		rt.Sometimes(isDone, "confirmed")
		if isDone {
			expected++
		}
	}
	return nil
}

// beyondRequests returns an error, unless it is one of a request: it was not done, or nobody knows.
func beyondRequests(err error) error {
	var request *s3.RequestError
	if errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrIndeterminate) || errors.As(err, &request) {
		return nil
	}
	return err
}

// simulateLog runs a seed of a shared log.
func simulateLog(t *testing.T, seed uint64, plan string, options service.Options) (*sharedLog, sim.Result) {
	t.Helper()
	l := &sharedLog{faults: newPlan(t, plan, 0)}
	result, err := sim.Run(t.Context(), sim.Config{Seed: seed}, func(ctx context.Context, w *sim.World) error {
		return l.main(ctx, w, options)
	})
	must(t, err)
	return l, result
}

// seeds returns how many to run.
func seeds(short, long uint64) uint64 {
	if testing.Short() {
		return short
	}
	return long
}

// TestNodesShareALogUnderFaults protects exactly-once: whatever becomes of requests, what was
// confirmed is there once, what was refused never, and the history is linearizable; and a seed
// is the same run each time, the SDK included.
func TestNodesShareALogUnderFaults(t *testing.T) {
	delivered := make(map[string]uint64)
	hashes := make(map[uint64]bool)
	newest := persist.SeqNo(0)
	count := seeds(4, 40)
	for seed := range count {
		options := service.Options{HasOpaqueETags: seed%2 == 1}
		l, result := simulateLog(t, seed, wayFaults, options)
		if result.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v", seed, result.Verdict)
		}
		if seed%8 == 0 {
			if _, again := simulateLog(t, seed, wayFaults, options); again.Hash != result.Hash {
				t.Errorf("seed %d: hash %x, then %x", seed, result.Hash, again.Hash)
			}
		}
		hashes[result.Hash] = true
		newest = max(newest, l.watch.Newest())
		for _, a := range result.Assertions {
			if a.Kind == runtime.KindFault {
				delivered[a.ID] += a.Evaluated
			}
		}
	}
	if uint64(len(hashes)) != count {
		t.Errorf("%d seeds are %d runs", count, len(hashes))
	}
	t.Logf("at most %d versions; faults %v", newest, delivered)
	for _, effect := range wayEffects {
		if delivered[string(effect)] == 0 && !testing.Short() {
			t.Errorf("%s has never happened: %v", effect, delivered)
		}
	}
}

// TestAStoreThatChecksThenActsLosesVersions protects the test above from passing whatever happens:
// over a service whose preconditions are not atomic the invariants break, without a fault.
func TestAStoreThatChecksThenActsLosesVersions(t *testing.T) {
	broken := make(map[string]int)
	for seed := range seeds(10, 40) {
		_, result := simulateLog(t, seed, "", service.Options{IsCheckThenAct: true})
		if result.Verdict.Kind != sim.OK {
			broken[result.Verdict.ID]++
		}
	}
	t.Log(broken)
	if len(broken) == 0 {
		t.Error("no invariant has broken")
	}
}
