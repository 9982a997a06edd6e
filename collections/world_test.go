package collections_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// world is what the processes of a test share: a store and a catalog. The same test
// runs live and in the simulator.
type world struct {
	*testing.T
	ctx     context.Context
	rt      *runtime.Runtime
	store   *memory.Store
	catalog *catalog.Memory
}

// everywhere runs a test once live, and once for each seed in the simulator. In both,
// a broken invariant of a controller fails the test.
func everywhere(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("live", func(t *testing.T) { live(t, test) })
	t.Run("simulated", func(t *testing.T) {
		simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) { test(newWorld(t, ctx, rt)) })
	})
}

// live runs a test once, on goroutines.
func live(t *testing.T, test func(w *world)) {
	t.Helper()
	rt := runtime.New(runtime.Options{Node: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	test(newWorld(t, ctx, rt))
	for _, a := range rt.Assertions() {
		if a.Kind == runtime.KindAlways && a.Held < a.Evaluated {
			t.Errorf("%s did not hold", a.ID)
		}
	}
}

func newWorld(t *testing.T, ctx context.Context, rt *runtime.Runtime) *world {
	return &world{t, ctx, rt, memory.New("store", memory.Options{}), catalog.NewMemory("catalog")}
}

// process is one process of a world, with its controller.
type process struct {
	*collections.Controller
	w      *world
	client *persist.Client
	log    *gate // below the client
	watch  *invariants.Process
	steps  *runtime.Watch[[]collections.Inspection] // in the order in which they were told
	fatal  *runtime.Watch[[]error]                  // what the supervisor was told
}

// start makes a process that has not opened its collections.
func (w *world) start() *process {
	w.Helper()
	p := &process{
		w: w, log: newGate(w), watch: invariants.NewControllers(invariants.NewLedger()).Process(w.rt),
		steps: runtime.NewWatch[[]collections.Inspection](w.rt, nil), fatal: runtime.NewWatch[[]error](w.rt, nil),
	}
	var err error
	p.client, err = persist.New(w.rt, w.store.Blob(w.rt), p.log, persist.Config{SelfCheck: true})
	w.must(err)
	return p
}

// open starts a process that takes over whatever the catalog has, or starts on the
// epoch of the configuration.
func (w *world) open(config ...collections.Config) *process {
	w.Helper()
	p := w.start()
	w.must(p.open(config...))
	return p
}

func (p *process) open(config ...collections.Config) (err error) {
	var c collections.Config
	if len(config) > 0 {
		c = config[0]
	}
	if c.Epoch == 0 {
		c.Catalog = p.w.catalog.View(p.w.rt)
	}
	c.Supervisor = func(fatal error) {
		p.fatal.Update(func(told []error) ([]error, bool) { return append(slices.Clip(told), fatal), true })
	}
	check := inOrder(p.w.rt, p.watch.Events().Stepped)
	c.Events.Stepped = func(seen collections.Inspection) {
		check(seen)
		p.steps.Update(func(told []collections.Inspection) ([]collections.Inspection, bool) {
			return append(told, seen), true
		})
	}
	p.Controller, err = collections.Open(p.w.ctx, p.w.rt, p.client, c)
	return err
}

// inOrder returns an event that passes on each step after those before it.
func inOrder(rt *runtime.Runtime, tell func(collections.Inspection)) func(collections.Inspection) {
	mu, next, waiting := rt.NewMutex(), uint64(1), make(map[uint64]collections.Inspection)
	return func(seen collections.Inspection) {
		mu.Lock()
		defer mu.Unlock()
		waiting[seen.Version] = seen
		for ; waiting[next].Version == next; next++ {
			tell(waiting[next])
			delete(waiting, next)
		}
	}
}

// stop closes the controller, which must have been left in order, and the client.
func (p *process) stop() {
	p.w.Helper()
	if err := p.Close(p.w.ctx); err != nil {
		p.w.Errorf("close: %v", err)
	}
	p.client.Close()
}

// await waits until something is true of the controller.
func (p *process) await(what string, is func(seen collections.Inspection) bool) {
	p.w.Helper()
	ctx, cancel := p.w.rt.WithTimeout(p.w.ctx, 10*time.Second)
	defer cancel()
	if _, _, err := p.steps.WaitFor(ctx, func([]collections.Inspection) bool { return is(p.Inspect()) }); err != nil {
		p.w.Fatalf("%s: not within 10 s: %+v", what, p.Inspect())
	}
}

// settle waits until nothing is under way, apart from what tasks of the test do.
func (p *process) settle() {
	p.w.Helper()
	p.await("settled", func(seen collections.Inspection) bool {
		isSettled := len(seen.Unapplied) == 0 && len(seen.Reserved) == 0
		for _, one := range seen.Collections {
			isSettled = isSettled && !one.IsMoving && !one.IsRemoved
		}
		return isSettled
	})
}

// one returns what is known of a collection.
func (p *process) one(id collections.GlobalID) collections.CollectionInspection {
	p.w.Helper()
	for _, one := range p.Inspect().Collections {
		if one.ID == id {
			return one
		}
	}
	p.w.Fatalf("there is no %v", id)
	return collections.CollectionInspection{}
}

// create creates collections at once.
func (p *process) create(descriptions ...collections.Description) {
	p.w.Helper()
	p.w.must(p.Create(p.w.ctx, descriptions...))
}

// append moves the upper of a collection by an append of one row, and waits until the
// controller has seen it.
func (p *process) append(id collections.GlobalID, row string, from, to uint64) {
	p.w.Helper()
	w, err := p.Writer(p.w.ctx, id)
	p.w.must(err)
	updates := []persist.Update{{Row: []byte(row), Time: from, Diff: 1}}
	p.w.must(w.CompareAndAppend(p.w.ctx, updates, frontier.At(from), frontier.At(to)))
	p.await("the upper", func(seen collections.Inspection) bool {
		return !slices.ContainsFunc(seen.Collections, func(one collections.CollectionInspection) bool {
			return one.ID == id && one.Upper.LessThan(frontier.At(to))
		})
	})
}

// setPolicy sets the read policy of a collection.
func (p *process) setPolicy(id collections.GlobalID, policy collections.ReadPolicy) []collections.Withheld {
	p.w.Helper()
	withheld, err := p.SetReadPolicies(p.w.ctx, collections.PolicyChange{ID: id, Policy: policy})
	p.w.must(err)
	return withheld
}

// hold acquires a hold on one collection.
func (p *process) hold(id collections.GlobalID) *collections.Hold {
	p.w.Helper()
	holds, err := p.Hold(p.w.ctx, id)
	p.w.must(err)
	return holds[0]
}

// rows reads a collection.
func (p *process) rows(id collections.GlobalID, asOf uint64) (string, error) {
	var all []string
	for u, err := range p.Snapshot(p.w.ctx, id, asOf) {
		if err != nil {
			return "", err
		}
		all = append(all, fmt.Sprintf("%s@%d%+d", u.Row, u.Time, u.Diff))
	}
	return strings.Join(all, " "), nil
}

// wantRows reads a collection, which must succeed.
func (p *process) wantRows(id collections.GlobalID, asOf uint64, want string) {
	p.w.Helper()
	if got, err := p.rows(id, asOf); got != want || err != nil {
		p.w.Errorf("%v as of %d: %q, want %q; %v", id, asOf, got, want, err)
	}
}

// stored returns the since that is durable in a shard.
func (p *process) stored(shard persist.ShardID) frontier.Antichain {
	p.w.Helper()
	seen, err := p.client.Inspect(p.w.ctx, shard)
	p.w.must(err)
	return seen.Since
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// u1, u2 and u3 are names of collections; nobody creates u99.
var u1, u2, u3, u99 = collections.UserID(1), collections.UserID(2), collections.UserID(3), collections.UserID(99)

// described describes a collection by its id and what it depends on.
func described(id collections.GlobalID, dependsOn ...collections.GlobalID) collections.Description {
	return collections.Description{ID: id, DependsOn: dependsOn}
}
