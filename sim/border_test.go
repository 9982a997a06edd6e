package sim_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// primitives are one of each, made by the node that sends them.
type primitives struct {
	rt        *runtime.Runtime
	mutex     *runtime.Mutex
	rwmutex   *runtime.RWMutex
	cond      *runtime.Cond
	group     *runtime.WaitGroup
	once      *runtime.Once
	semaphore *runtime.Semaphore
	c         *runtime.Chan[int]
	timer     *runtime.Timer
	watch     *runtime.Watch[int]
	task      *runtime.Task
	cancel    context.CancelFunc
}

func makePrimitives(ctx context.Context, rt *runtime.Runtime) *primitives {
	p := &primitives{
		rt: rt, mutex: rt.NewMutex(), rwmutex: rt.NewRWMutex(), group: rt.NewWaitGroup(), once: rt.NewOnce(),
		semaphore: rt.NewSemaphore(1), c: runtime.NewChan[int](rt, 1), timer: rt.NewTimer(time.Hour),
		watch: runtime.NewWatch(rt, 0),
	}
	p.cond = rt.NewCond(p.mutex)
	p.task = rt.Go(ctx, "task", func(ctx context.Context) error { return forEver(ctx, rt) })
	_, p.cancel = rt.WithCancel(ctx)
	return p
}

// uses are all ways to touch a primitive.
var uses = map[string]func(ctx context.Context, rt *runtime.Runtime, p *primitives){
	"lock":            func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.mutex.Lock() },
	"try-lock":        func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.mutex.TryLock() },
	"unlock":          func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.mutex.Unlock() },
	"read-lock":       func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.rwmutex.RLock() },
	"signal":          func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.cond.Signal() },
	"wait-group-add":  func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.group.Add(1) },
	"once":            func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.once.Do(func() {}) },
	"acquire":         func(ctx context.Context, _ *runtime.Runtime, p *primitives) { must(p.semaphore.Acquire(ctx, 1)) },
	"send":            func(ctx context.Context, _ *runtime.Runtime, p *primitives) { must(p.c.Send(ctx, 1)) },
	"receive":         func(_ context.Context, _ *runtime.Runtime, p *primitives) { _, _, _ = p.c.TryRecv() },
	"close":           func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.c.Close() },
	"len":             func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.c.Len() },
	"timer":           func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.timer.Stop() },
	"join":            func(ctx context.Context, _ *runtime.Runtime, p *primitives) { must(p.task.Wait(ctx)) },
	"cancel":          func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.cancel() },
	"yield":           func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.rt.Yield() },
	"sleep":           func(ctx context.Context, _ *runtime.Runtime, p *primitives) { must(p.rt.Sleep(ctx, 1)) },
	"spawn":           func(ctx context.Context, _ *runtime.Runtime, p *primitives) { p.rt.Go(ctx, "task", nil) },
	"lock of a watch": func(_ context.Context, _ *runtime.Runtime, p *primitives) { p.watch.Set(1) },
	"select": func(ctx context.Context, rt *runtime.Runtime, p *primitives) {
		own := runtime.NewChan[int](rt, 1)
		_, err := runtime.Select2(ctx, own.SendArm(1), p.c.SendArm(1)) // the first arm could go on
		must(err)
	},
	"select with default": func(_ context.Context, rt *runtime.Runtime, p *primitives) {
		runtime.TrySelect2(runtime.NewChan[int](rt, 1).SendArm(1), p.c.RecvArm())
	},
}

// TestUseOfAnotherNodesPrimitive protects the walls between processes: what one
// node has made no other can touch, nor can the harness, whatever it is.
func TestUseOfAnotherNodesPrimitive(t *testing.T) {
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			var shared atomic.Pointer[primitives]
			v := wantKind(t, sim.Border, func(ctx context.Context, w *sim.World) error {
				booted(w, "owner", func(ctx context.Context, rt *runtime.Runtime) error {
					shared.Store(makePrimitives(ctx, rt))
					return forEver(ctx, rt)
				})
				pass(ctx, w, time.Second)
				return booted(w, "thief", func(ctx context.Context, rt *runtime.Runtime) error {
					use(ctx, rt, shared.Load())
					t.Error("the task went on")
					return nil
				}).Wait()
			})
			verb, _, _ := strings.Cut(name, " ")
			if want := `task main of node "thief": ` + verb; !strings.HasPrefix(v.Message, want) {
				t.Errorf("message %q, want it to begin with %q", v.Message, want)
			}
			if !strings.HasSuffix(v.Message, ` of node "owner"`) || v.Node != "thief" {
				t.Errorf("message %q in node %q", v.Message, v.Node)
			}
		})
	}
}

// TestWorldBelongsToTheHarness protects scenarios from nodes that would act on
// the world: a process cannot crash another.
func TestWorldBelongsToTheHarness(t *testing.T) {
	for name, act := range map[string]func(w *sim.World, n *sim.Node){
		"node":    func(w *sim.World, _ *sim.Node) { _, err := w.Node("n2", forEver); must(err) },
		"crash":   func(_ *sim.World, n *sim.Node) { must(n.Crash()) },
		"stop":    func(_ *sim.World, n *sim.Node) { must(n.Stop(0)) },
		"wait":    func(_ *sim.World, n *sim.Node) { must(n.Wait()) },
		"inject":  func(w *sim.World, _ *sim.Node) { must(w.Inject()) },
		"quiesce": func(w *sim.World, _ *sim.Node) { w.Quiesce(0) },
		"harness": func(w *sim.World, _ *sim.Node) { w.Runtime().Yield() },
	} {
		r := run(t, 1, func(_ context.Context, w *sim.World) error {
			var n *sim.Node
			n, err := w.Node("n1", func(context.Context, *runtime.Runtime) error { act(w, n); return nil })
			must(err)
			must(n.Boot())
			return n.Wait()
		})
		if r.Verdict.Kind != sim.Border {
			t.Errorf("%s: verdict %v %s", name, r.Verdict.Kind, r.Verdict.Message)
		}
	}
}

// TestObjectsOfTheWorldAreShared protects the way in which nodes do meet: plain
// Go that holds no lock across a scheduling point, and draws its faults from
// whichever runtime calls it.
func TestObjectsOfTheWorldAreShared(t *testing.T) {
	wantOK(t, 20, func(_ context.Context, w *sim.World) error {
		store := &worldly[map[string]int]{value: make(map[string]int)}
		put := func(name string) sim.Boot {
			return func(_ context.Context, rt *runtime.Runtime) error {
				for range 3 {
					rt.Yield()
					store.change(func(all map[string]int) map[string]int { all[name]++; return all })
					w.Runtime().Choose("storage", "put", 4)
				}
				return nil
			}
		}
		a, b := booted(w, "a", put("a")), booted(w, "b", put("b"))
		must(a.Wait())
		must(b.Wait())
		if all := store.get(); all["a"] != 3 || all["b"] != 3 {
			t.Errorf("store %v", all)
		}
		return nil
	})
}
