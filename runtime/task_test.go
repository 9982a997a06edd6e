package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
)

// onBoth runs a test body live and on the toy scheduler.
func onBoth(t *testing.T, options runtime.Options, body func(t *testing.T, ctx context.Context, rt *runtime.Runtime)) {
	t.Helper()
	t.Run("live", func(t *testing.T) {
		rt := runtime.New(options)
		task := rt.Go(context.Background(), "main", func(ctx context.Context) error {
			body(t, ctx, rt)
			return nil
		})
		if err := task.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Run("plugged", func(t *testing.T) {
		toy := &toyScheduler{}
		rt := runtime.Plug(toy, options)
		if verdict := toy.Run(rt, func(ctx context.Context) { body(t, ctx, rt) }); verdict != "ok" {
			t.Errorf("verdict %q", verdict)
		}
	})
}

// A task is the path of names by which it was spawned, the same live and
// under a scheduler, so that a recording of one can be read by the other.
func TestTaskIdentityIsTheSpawnPath(t *testing.T) {
	type identity struct {
		Path string
		Hash uint64
	}
	var runs [][]identity
	onBoth(t, runtime.Options{Node: "n"}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		var seen []identity
		start := func(ctx context.Context, name string, inside func(ctx context.Context)) {
			task := rt.Go(ctx, name, func(ctx context.Context) error {
				if inside != nil {
					inside(ctx)
				}
				return nil
			})
			if err := task.Wait(ctx); err != nil {
				t.Error(err)
			}
			seen = append(seen, identity{task.Path(), task.Hash()})
		}
		start(ctx, "worker", nil)
		start(ctx, "worker", func(ctx context.Context) {
			start(ctx, "inner", nil)
			start(context.WithValue(ctx, t, 0), "inner", nil)
		})
		start(context.Background(), "outside", nil)
		runs = append(runs, seen)
	})
	paths := make([]string, len(runs[0]))
	hashes := make(map[uint64]bool)
	for i, id := range runs[0] {
		paths[i] = id.Path
		hashes[id.Hash] = true
	}
	want := []string{"main/worker", "main/worker#1/inner", "main/worker#1/inner#1", "main/worker#1", "outside"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if len(hashes) != len(want) {
		t.Errorf("%d different hashes of %d tasks", len(hashes), len(want))
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Errorf("identities live and plugged in differ (-live +plugged):\n%s", diff)
	}
}

// Tasks of different nodes have different hashes under equal paths.
func TestTaskHashCoversTheNode(t *testing.T) {
	hash := func(node string) uint64 {
		task := runtime.New(runtime.Options{Node: node}).Go(context.Background(), "a", nothing)
		_ = task.Wait(context.Background())
		return task.Hash()
	}
	if hash("a") == hash("b") {
		t.Error("equal hashes on two nodes")
	}
}

func nothing(context.Context) error { return nil }

// A task knows its runtime; a second Wait returns at once.
func TestTaskCanBeWaitedForTwice(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		task := rt.Go(ctx, "a", nothing)
		if err := task.Wait(ctx); err != nil {
			t.Error(err)
		}
		if err := task.Wait(ctx); err != nil {
			t.Error(err)
		}
		if task.Runtime() != rt {
			t.Error("task of another runtime")
		}
	})
}

// Only schedulers start root tasks; live it would be a goroutine without an
// owner.
func TestRootNeedsAScheduler(t *testing.T) {
	if recovered(func() { runtime.New(runtime.Options{}).Root("main", nothing) }) == nil {
		t.Error("Root of a live runtime did not panic")
	}
}

// A scheduler can end a root task, as a process gets a signal; other tasks
// have owners, and Cancel leaves them alone.
func TestCancelEndsARootTask(t *testing.T) {
	toy := &toyScheduler{}
	rt := runtime.Plug(toy, runtime.Options{})
	verdict := toy.Run(rt, func(ctx context.Context) {
		forEver := func(ctx context.Context) error { return rt.Sleep(ctx, time.Hour) }
		second := rt.Root("second", func(ctx context.Context) error { return rt.Go(ctx, "child", forEver).Wait(ctx) })
		child := rt.Go(ctx, "child", forEver)
		second.Cancel()
		child.Cancel()
		if err := second.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("root task: %v", err)
		}
		if err := child.Wait(ctx); err != nil {
			t.Errorf("child: %v", err)
		}
	})
	if verdict != "ok" {
		t.Errorf("verdict %q", verdict)
	}
}

// The options of a runtime can be asked for, as can whether it is live.
func TestRuntimeTellsWhatItIs(t *testing.T) {
	options := runtime.Options{Node: "n", Incarnation: 3}
	live, plugged := runtime.New(options), runtime.Plug(&toyScheduler{}, options)
	if !live.Live() || plugged.Live() {
		t.Errorf("Live() = %v live, %v plugged in", live.Live(), plugged.Live())
	}
	for _, rt := range []*runtime.Runtime{live, plugged} {
		if rt.Node() != "n" || rt.Incarnation() != 3 {
			t.Errorf("node %q, incarnation %d", rt.Node(), rt.Incarnation())
		}
	}
}

// A choice among nothing is a bug of the caller; live every choice is 0 and
// nothing is made worse on purpose.
func TestLiveChoicesAreHarmless(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	for range 100 {
		if i := rt.Choose("stream", "site", 10); i != 0 {
			t.Fatalf("Choose() = %d", i)
		}
		if rt.Buggify("site") {
			t.Fatal("Buggify() = true")
		}
	}
	if recovered(func() { rt.Choose("stream", "site", 0) }) == nil {
		t.Error("a choice among 0 did not panic")
	}
}
