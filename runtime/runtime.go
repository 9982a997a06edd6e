package runtime

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/cespare/xxhash/v2"
)

// Runtime is the capability to run tasks, wait, tell the time and draw
// numbers. It is passed explicitly to whatever needs it. All methods are safe
// for concurrent use.
type Runtime struct {
	sched      Scheduler // nil when live
	wall       WallClock // the scheduler, if it has one
	clock      clock.Clock
	options    Options
	logger     *slog.Logger
	assertions assertions
	root       Task // the parent of tasks started outside any task

	mu      sync.Mutex // guards objects
	objects map[string]int
}

// Options configure a [Runtime]. The zero value is a live runtime with a
// silent logger and a seed drawn from the operating system.
type Options struct {
	// Node names the process in logs and in the derivation of random streams.
	Node string
	// Incarnation counts the restarts of the node; each has its own streams.
	Incarnation uint64
	// Seed is the root of every [Runtime.Rand] stream. Zero draws one when
	// live, and is an ordinary seed when plugged in.
	Seed uint64
	// Clock is what a live runtime reads and waits on; nil is the real one.
	// A plugged-in runtime takes the time of its scheduler instead.
	Clock clock.Clock
	// Draws, if not nil, is told of each [Draw], and returns what is to take the place of
	// its value; more than that is taken as that. It is how a simulator makes a workload
	// smaller. The task that draws calls it; live, several may at once.
	Draws func(Draw) uint64
	// Logger receives the records of [Runtime.Logger]; nil discards them.
	Logger *slog.Logger
}

// New returns a live runtime: tasks are goroutines, locks and channels are the
// native ones.
func New(options Options) *Runtime {
	if options.Seed == 0 {
		var seed [8]byte
		rand.Read(seed[:]) // never returns an error
		options.Seed = binary.LittleEndian.Uint64(seed[:])
	}
	rt := newRuntime(nil, options)
	if rt.clock == nil {
		rt.clock = clock.New()
	}
	return rt
}

// Plug returns a runtime whose tasks run on a scheduler. Several runtimes may
// be plugged into one scheduler; each is a node, and a primitive may be used
// only by tasks of the runtime that made it.
func Plug(scheduler Scheduler, options Options) *Runtime {
	return newRuntime(scheduler, options)
}

//go:norace
func newRuntime(scheduler Scheduler, options Options) *Runtime {
	rt := &Runtime{sched: scheduler, clock: options.Clock, options: options}
	rt.wall, _ = scheduler.(WallClock)
	rt.logger = newLogger(rt)
	rt.root = Task{rt: rt, name: options.Node, hash: xxhash.Sum64String(options.Node)}
	return rt
}

// Node returns the name given in the options.
func (rt *Runtime) Node() string { return rt.options.Node }

// Incarnation returns the number given in the options.
func (rt *Runtime) Incarnation() uint64 { return rt.options.Incarnation }

// Live reports whether no scheduler is plugged in. Code under test has no
// business asking; harnesses do.
func (rt *Runtime) Live() bool { return rt.sched == nil }

// Now returns the current time. Plugged in, it is the node's virtual wall clock,
// which may be off and may be set; its Times hold no monotonic reading.
func (rt *Runtime) Now() time.Time {
	if rt.sched == nil {
		return rt.clock.Now()
	}
	return rt.wallTime(rt.sched.Now())
}

// Yield lets other tasks run.
func (rt *Runtime) Yield() {
	if rt.sched == nil {
		goruntime.Gosched()
		return
	}
	rt.enter(OpYield, nil)
}

// Choose returns a number in [0, n) drawn by the scheduler and recorded by it;
// a live runtime always answers 0, which means that nothing bad happens.
// Stream separates concerns, so that a draw in one never shifts another; site
// names the place in the program. It panics if n is less than 1.
func (rt *Runtime) Choose(stream, site string, n int) int {
	if n < 1 {
		panic(fmt.Sprintf("runtime: Choose among %d", n))
	}
	if rt.sched == nil || n == 1 {
		return 0
	}
	return rt.sched.Choose(stream, site, n)
}

// Buggify reports whether the program should take an unusual path here, such
// as a tiny buffer or an early time-out. It is false when live. Under a
// scheduler a site is active in a quarter of the runs, and then fires a
// quarter of the times it is reached.
func (rt *Runtime) Buggify(id string) bool {
	if rt.sched == nil {
		return false
	}
	active := splitmix(rt.options.Seed^xxhash.Sum64String("buggify/"+id))&3 == 0
	return active && rt.sched.Choose("buggify", id, 4) == 3
}

// enter is the scheduling point before a visible operation of the current
// task, which it returns.
func (rt *Runtime) enter(kind OpKind, object *Object) *Task {
	return rt.sched.Point(Op{kind, object})
}

// misuse reports what Go's runtime would answer with a fatal error.
func (rt *Runtime) misuse(message string) {
	rt.sched.Fail(Failure{Kind: FailureMisuse, Message: message})
}

// name gives a new object its identity: the innermost function outside this
// package that asked for it.
func (rt *Runtime) name(o *Object, kind string) {
	var callers [16]uintptr
	for _, depth := range []int{3, len(callers)} { // most are near, and each frame costs
		frames := goruntime.CallersFrames(callers[:goruntime.Callers(3, callers[:depth])])
		for more := true; more; {
			var frame goruntime.Frame
			frame, more = frames.Next()
			if frame.Function != "" && !strings.HasPrefix(frame.Function, ownPackage) {
				rt.nameAs(o, kind, stableName(frame.Function))
				return
			}
		}
	}
	rt.nameAs(o, kind, "unknown")
}

// stableName makes the name of a closure independent of the compiler. Inlining
// puts the names of the functions around it in front, and the package of the
// outermost: "a/b.Test.func1.newThing.2" is what was "c.newThing.func1". What
// stays is the last declared function and its receiver: "newThing.func".
func stableName(function string) string {
	declared := strings.Split(function[strings.LastIndexByte(function, '/')+1:], ".")
	last := len(declared) - 1
	for last > 0 && isClosure(declared[last]) {
		last--
	}
	if last == len(declared)-1 {
		return function
	}
	name := declared[last] + ".func"
	if last > 0 && strings.HasPrefix(declared[last-1], "(*") {
		name = declared[last-1] + "." + name
	}
	return name
}

// isClosure reports whether a part of a symbol was made up by the compiler:
// "func1", "2", "gowrap1", "deferwrap1", "func1-range2".
func isClosure(part string) bool {
	part, _, _ = strings.Cut(part, "-range")
	for _, prefix := range []string{"func", "gowrap", "deferwrap", ""} {
		digits, ok := strings.CutPrefix(part, prefix)
		if ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	return false
}

// nameAs gives a new object its identity by the function that asked for it.
//
//go:norace
func (rt *Runtime) nameAs(o *Object, kind, function string) {
	key := kind + " " + function
	count := rt.countObject(key)
	id := mix(xxhash.Sum64String(rt.options.Node), xxhash.Sum64String(key), uint64(count))
	o.ID, o.Kind, o.Function, o.Count, o.rt = id, kind, function, count, rt
}

// ownPackage is the prefix of the functions of this package.
const ownPackage = "github.com/tidemarkdb/tidemark/runtime."

// Serial counts its calls with a name, from 0: something to tell the objects of
// one runtime apart by, where [Runtime.Rand] would give them the same stream.
func (rt *Runtime) Serial(name string) uint64 {
	return uint64(rt.countObject("serial " + name))
}

// countObject returns how often it was called with the key before.
//
//go:norace
func (rt *Runtime) countObject(key string) (count int) {
	rt.aside(func() {
		rt.mu.Lock()
		defer rt.mu.Unlock()
		if rt.objects == nil {
			rt.objects = make(map[string]int)
		}
		count = rt.objects[key]
		rt.objects[key]++
	})
	return count
}
