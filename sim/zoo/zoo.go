package zoo

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Program is a small program with a bug, and its twin without.
type Program struct {
	// Name is lower-case words joined by hyphens, unique in the zoo.
	Name string
	// Category is one of Categories.
	Category Category
	// Doc says in one sentence what the program does and what is wrong.
	Doc string
	// Source cites the published bug that the program is modelled on; empty if there
	// is none. The code is our own.
	Source string
	// Depth is the number of ordering constraints between operations of different
	// tasks that suffice to show the bug; 0 if it does not depend on the order.
	Depth int
	// Verdict is how a run ends that shows the bug.
	Verdict sim.VerdictKind
	// NeedsRace is true if only the race detector sees the bug, and Verdict OK. The
	// benchmark leaves the program out, and says so; the tests of this package run it
	// under -race.
	NeedsRace bool
	// Bug and Fixed are the twins.
	Bug, Fixed Body
}

// Body is a program as the first task of a world executes it.
type Body func(ctx context.Context, rt *runtime.Runtime)

// Category is a kind of bug.
type Category string

// The categories, in the order of tables.
const (
	DoubleLock         Category = "double lock"
	LockOrder          Category = "lock order (AB-BA)"
	RWMutexRecursion   Category = "RWMutex recursion"
	LostWakeUp         Category = "lost wake-up"
	MissedSignal       Category = "missed signal"
	SendOnClosed       Category = "send on closed"
	DoubleClose        Category = "double close"
	NilChannel         Category = "nil channel"
	LeakedPeer         Category = "leaked sender or receiver"
	BlockedSelect      Category = "blocked in select"
	WaitGroupMisuse    Category = "WaitGroup misuse"
	OnceDeadlock       Category = "Once deadlock"
	ContextLeak        Category = "context leak"
	TimerRace          Category = "timer race"
	OrderViolation     Category = "order violation"
	AtomicityViolation Category = "atomicity violation"
	DataRace           Category = "data race"
	CheckThenAct       Category = "check-then-act on a shared map"
	StaleLeaseHolder   Category = "stale lease holder"
	DuplicateDelivery  Category = "duplicate delivery"
	AmbiguousWrite     Category = "ambiguous write retried"
)

// wings lists the programs of each category.
var wings = []struct {
	category Category
	programs func() []Program
}{
	{DoubleLock, doubleLock},
	{LockOrder, lockOrder},
	{RWMutexRecursion, rwmutexRecursion},
	{LostWakeUp, lostWakeUp},
	{MissedSignal, missedSignal},
	{SendOnClosed, sendOnClosed},
	{DoubleClose, doubleClose},
	{NilChannel, nilChannel},
	{LeakedPeer, leakedPeer},
	{BlockedSelect, blockedSelect},
	{WaitGroupMisuse, waitGroupMisuse},
	{OnceDeadlock, onceDeadlock},
	{ContextLeak, contextLeak},
	{TimerRace, timerRace},
	{OrderViolation, orderViolation},
	{AtomicityViolation, atomicityViolation},
	{DataRace, dataRace},
	{CheckThenAct, checkThenAct},
	{StaleLeaseHolder, staleLeaseHolder},
	{DuplicateDelivery, duplicateDelivery},
	{AmbiguousWrite, ambiguousWrite},
}

// Categories returns the categories, in the order of tables.
func Categories() []Category {
	var all []Category
	for _, w := range wings {
		all = append(all, w.category)
	}
	return all
}

// All returns the programs, by category.
func All() []Program {
	var all []Program
	for _, w := range wings {
		for _, p := range w.programs() {
			p.Category = w.category
			all = append(all, p)
		}
	}
	return all
}

// Find returns the program of a name.
func Find(name string) (Program, bool) {
	all := All()
	i := slices.IndexFunc(all, func(p Program) bool { return p.Name == name })
	if i < 0 {
		return Program{}, false
	}
	return all[i], true
}
