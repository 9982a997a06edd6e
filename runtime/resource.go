package runtime

import "github.com/cespare/xxhash/v2"

// Resource stands for something outside every node that tasks of all nodes
// operate on: a store, a file, a queue. It holds nothing itself. Whoever
// implements it calls [Runtime.Read] or [Runtime.Write] of the caller's
// runtime before each operation, holds no lock meanwhile, and then carries
// the operation out in one go. To the race detector the operations on a resource
// come one after the other, under a scheduler; live they need a lock.
type Resource struct {
	object Object
}

// NewResource returns a resource of a kind with a name, such as "consensus"
// and "orders". Resources with equal kinds and names are the same one to a
// scheduler.
//
//go:norace
func NewResource(kind, name string) *Resource {
	return &Resource{Object{ID: xxhash.Sum64String("resource " + kind + " " + name), Kind: kind, Function: detached(name)}}
}

// Read is the scheduling point before a read of the resource. Live it does
// nothing.
func (rt *Runtime) Read(r *Resource) {
	if rt.sched != nil {
		rt.enter(OpRead, &r.object)
	}
}

// Write is the scheduling point before an operation that may change the
// resource. Live it does nothing.
func (rt *Runtime) Write(r *Resource) {
	if rt.sched != nil {
		rt.enter(OpWrite, &r.object)
	}
}
