package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Swarm draws a plan for each run. A run has some of the kinds and rules only, each with
// probability one half: what is left out cannot hide or crowd out the rest, which finds
// more than having everything in every run (Groce and others, "Swarm Testing", ISSTA
// 2012).
type Swarm struct {
	// Nodes are the names of the nodes that faults may hit.
	Nodes []string
	// Kinds of faults, those of [Swarm.Targets] included.
	Kinds []FaultKind
	// Targets says, for kinds that are not of this package, how to draw what a fault
	// hits and by how much.
	Targets map[FaultKind]func(rand *runtime.Rand, nodes []string) (target, by string)
	// Faults is how many there are at most, Steps the last step for one.
	Faults int
	Steps  uint64
	// Lease is a time that matters to the program, such as that of a lease; 0 is ten
	// seconds. A fault lasts much shorter, about as long, or much longer.
	Lease time.Duration
	// Rules holds, under the names of objects, rules of which each is on or off.
	Rules map[string][]string
}

// Draw returns a plan.
func (s Swarm) Draw(rand *runtime.Rand) Plan {
	if s.Lease == 0 {
		s.Lease = 10 * time.Second
	}
	p := Plan{Rules: make(map[string]string)}
	kinds := half(rand, s.Kinds)
	if len(kinds) > 0 && len(s.Nodes) > 0 && s.Faults > 0 {
		for range rand.IntN(s.Faults + 1) {
			p.Faults = append(p.Faults, s.fault(rand, kinds[rand.IntN(len(kinds))]))
		}
	}
	for _, object := range slices.Sorted(maps.Keys(s.Rules)) {
		p.Rules[object] = strings.Join(half(rand, s.Rules[object]), "; ")
	}
	return p
}

// half returns each of the elements with probability one half.
func half[E any](rand *runtime.Rand, all []E) (some []E) {
	for _, e := range all {
		if rand.IntN(2) == 1 {
			some = append(some, e)
		}
	}
	return some
}

func (s Swarm) fault(rand *runtime.Rand, kind FaultKind) Fault {
	f := Fault{Kind: kind, Step: runtime.Between(rand, 1, max(s.Steps, 1)), Duration: s.downtime(rand)}
	if draw, ok := s.Targets[kind]; ok {
		f.Target, f.By = draw(rand, s.Nodes)
		return f
	}
	f.Target = s.Nodes[rand.IntN(len(s.Nodes))]
	switch kind {
	case FaultJump:
		f.By = time.Duration(sign(rand) * runtime.Between(rand, 1, 10*int64(s.Lease))).Round(time.Millisecond).String()
		if f.By == "0s" {
			f.By = "-1ms"
		}
	case FaultDrift:
		f.By = fmt.Sprintf("%dppm", sign(rand)*[...]int64{50, 1000, 100_000}[rand.IntN(3)])
	default:
		if len(s.Nodes) > 1 && rand.IntN(8) == 0 { // a rack, a zone
			f.Target = strings.Join(several(rand, s.Nodes), "+")
		}
	}
	return f
}

// downtime is shorter than anybody notices, about a lease, or far beyond it.
func (s Swarm) downtime(rand *runtime.Rand) time.Duration {
	lease := int64(s.Lease)
	switch rand.IntN(3) {
	case 0:
		return time.Duration(runtime.Between(rand, 0, lease/10)).Truncate(time.Microsecond)
	case 1:
		return time.Duration(runtime.Between(rand, lease/2, lease*3/2)).Truncate(time.Millisecond)
	}
	return time.Duration(runtime.Between(rand, 2*lease, 10*lease)).Truncate(time.Millisecond)
}

func sign(rand *runtime.Rand) int64 { return 1 - 2*int64(rand.IntN(2)) }

// several returns two or more of the nodes, in their order.
func several(rand *runtime.Rand, nodes []string) []string {
	some := slices.Clone(nodes)
	rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	some = some[:runtime.Between(rand, 2, len(some))]
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return !slices.Contains(some, n) })
}
