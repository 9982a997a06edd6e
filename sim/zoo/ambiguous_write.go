package zoo

import (
	"context"
	"errors"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func ambiguousWrite() []Program {
	return []Program{
		{
			Name:    "retried-increment",
			Doc:     "an increment whose answer was lost is sent again, and counts twice",
			Source:  "etcd-io/etcd#6691",
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { countVisits(ctx, rt, (*remote).addRetrying) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { countVisits(ctx, rt, (*remote).addOnce) },
		},
		{
			Name:    "create-conflict",
			Doc:     "a create whose answer was lost finds its own record when it is sent again, and is told to be too late",
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { createAccount(ctx, rt, (*remote).create) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { createAccount(ctx, rt, (*remote).createOwn) },
		},
		{
			Name:    "retried-restore",
			Doc:     "a put whose answer was lost is sent again after another client has replaced the value, and was told so",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { replaceValue(ctx, rt, (*remote).putRetrying) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { replaceValue(ctx, rt, (*remote).putIfUnchanged) },
		},
	}
}

var errLost = errors.New("no answer")

// remote is a value in a store behind a network that loses answers.
type remote struct {
	rt      *runtime.Runtime
	store   *runtime.Resource
	audit   *runtime.Resource
	network *runtime.Resource
	value   int
	version int
	owner   string
	applied map[string]bool // requests, by their ids
}

func newRemote(rt *runtime.Runtime) *remote {
	return &remote{
		rt: rt, store: runtime.NewResource("store", "record"), audit: runtime.NewResource("store", "audit"),
		network: runtime.NewResource("network", "connection"), applied: make(map[string]bool),
	}
}

// call applies a request. The answer may be lost, but not when it is sent again.
func (r *remote) call(again bool, apply func()) error {
	r.rt.Write(r.store)
	apply()
	if !again && r.rt.Choose("network", "lost-answer", 2) == 1 {
		return errLost
	}
	return nil
}

func (r *remote) addRetrying(string) {
	add := func() { r.value++ }
	if r.call(false, add) != nil {
		_ = r.call(true, add) // Bug: no answer does not mean that nothing happened.
	}
}

func (r *remote) addOnce(id string) {
	add := func() {
		if !r.applied[id] {
			r.applied[id] = true
			r.value++
		}
	}
	if r.call(false, add) != nil {
		_ = r.call(true, add)
	}
}

func countVisits(ctx context.Context, rt *runtime.Runtime, add func(*remote, string)) {
	r := newRemote(rt)
	tasks := rt.NewWaitGroup()
	for _, id := range []string{"visit-1", "visit-2"} {
		tasks.Go(ctx, "visit", func(context.Context) { add(r, id) })
	}
	tasks.Wait()
	rt.Always(r.value == 2, "counted-once", "value", r.value)
}

// create reports whether the record is the caller's.
func (r *remote) create(owner string) bool {
	created := false
	insert := func() {
		if created = r.owner == ""; created {
			r.owner = owner
		}
	}
	if r.call(false, insert) != nil {
		_ = r.call(true, insert) // Bug: it may find the record that the first one has created.
	}
	return created
}

func (r *remote) createOwn(owner string) bool {
	if r.create(owner) {
		return true
	}
	r.rt.Read(r.store)
	return r.owner == owner
}

func createAccount(ctx context.Context, rt *runtime.Runtime, create func(*remote, string) bool) {
	r := newRemote(rt)
	winners := 0
	tasks := rt.NewWaitGroup()
	for _, owner := range []string{"alice", "bob"} {
		tasks.Go(ctx, owner, func(context.Context) {
			if create(r, owner) {
				winners++
			}
		})
	}
	tasks.Wait()
	rt.Always(winners == 1, "one-winner", "winners", winners, "owner", r.owner)
}

func (r *remote) putRetrying(value, _ int) bool {
	put := func() {
		r.value = value
		r.version++
	}
	if r.call(false, put) != nil {
		r.rt.Write(r.network) // connect again
		_ = r.call(true, put) // Bug: somebody may have replaced the value since it was stored.
	}
	return true
}

// putIfUnchanged stores a value in place of the version given.
func (r *remote) putIfUnchanged(value, version int) bool {
	stored := false
	put := func() {
		if stored = r.version == version; stored {
			r.value = value
			r.version++
		}
	}
	if r.call(false, put) != nil {
		_ = r.call(true, put)
	}
	return stored
}

func (r *remote) get() (value, version int) {
	r.rt.Read(r.store)
	return r.value, r.version
}

func replaceValue(ctx context.Context, rt *runtime.Runtime, put func(r *remote, value, version int) bool) {
	r := newRemote(rt)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "backup", func(context.Context) {
		_, version := r.get()
		put(r, 1, version)
	})
	seen := false
	tasks.Go(ctx, "user", func(context.Context) {
		value, version := r.get()
		for range 3 { // who, what, why
			rt.Write(r.audit)
		}
		seen = value == 1 && put(r, 2, version)
	})
	tasks.Wait()
	value, _ := r.get()
	rt.Always(!seen || value == 2, "stored-stays", "value", value)
}
