// Raft runs three nodes of go.etcd.io/raft under Tidemark's simulator: somebody else's
// consensus, unchanged, on a network that loses, repeats and reorders messages, while
// nodes crash, pause and are parted from each other. It is a simrun of its own:
//
//	go run . run                                    the library as it is: green
//	go run . run vote-not-persisted --seeds 1-200   a bug in how it is used: two leaders
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/tidemarkdb/tidemark/cmd/simrun/cli"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/network"
)

func main() { os.Exit(cli.Main(os.Args[1:], Scenarios())) }

// Scenarios returns the library as it is, and with a bug in how it is used.
func Scenarios() []sim.Scenario {
	sound := sim.Scenario{
		Name:   "raft",
		Doc:    "three nodes of etcd's raft on a bad network; one leader a term, one log, and it grows once all is quiet",
		Run:    func(ctx context.Context, w *sim.World) error { return run(ctx, w, &cluster{}) },
		Faults: []string{"message-drop", "message-duplicate", "message-delay"},
		Goals:  []string{"elected", "applied"},
	}
	for _, kind := range kinds {
		sound.Faults = append(sound.Faults, string(kind))
	}
	broken := sound
	broken.Name, broken.Named, broken.Faults, broken.Goals = "vote-not-persisted", true, nil, nil
	broken.Doc = "the same, and a node that restarts has forgotten for whom it has voted"
	broken.Run = func(ctx context.Context, w *sim.World) error { return run(ctx, w, &cluster{forgetsVotes: true}) }
	return []sim.Scenario{sound, broken}
}

var names = []string{"n1", "n2", "n3"} // the ids are 1, 2, 3

var kinds = []sim.FaultKind{"crash", "pause", "stop", "drift", "partition", "cut", "clog", "swizzle"}

// cluster is what outlives every node: disks, the network, and what was seen.
type cluster struct {
	forgetsVotes bool
	network      *network.Network[*raftpb.Message]
	disks        [4]*raft.MemoryStorage // by id
	leaders, log sync.Map               // who led first, by term; what was applied first, by index
	length       atomic.Int64           // of the log
}

func run(ctx context.Context, w *sim.World, c *cluster) error {
	// Given three nodes, and trouble for them and their network,
	plan := w.Plan(func() sim.Plan { return drawPlan(w.Runtime().Rand("plan")) })
	rules, err := network.ParseRules(plan.Rules["network"])
	if err != nil {
		return err
	}
	kind := func(m *raftpb.Message) string { return m.GetType().String() }
	c.network, err = network.New(w, network.Options[*raftpb.Message]{Codec: codec{}, Kind: kind, Rules: rules})
	if err != nil {
		return err
	}
	for id := uint64(1); id <= 3; id++ {
		c.disks[id] = raft.NewMemoryStorage()
		voters := &raftpb.ConfState{Voters: []uint64{1, 2, 3}}
		start := &raftpb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)), ConfState: voters}
		_ = c.disks[id].ApplySnapshot(&raftpb.Snapshot{Metadata: start}) // it is the first
		boot := func(ctx context.Context, rt *runtime.Runtime) error { return c.boot(ctx, rt, id) }
		n, err := w.Node(names[id-1], boot)
		if err == nil {
			err = n.Boot()
		}
		if err != nil {
			return err
		}
	}

	// when it comes,
	if err := errors.Join(w.Inject(plan.Faults...), w.Runtime().Sleep(ctx, 5*time.Second)); err != nil {
		return err
	}

	// then, once all is quiet, the log grows.
	w.Quiesce(time.Second)
	length := c.length.Load()
	w.Eventually("log-grows", 10*time.Second, func() bool { return c.length.Load() > length+3 }, "length", length)
	return nil
}

// drawPlan draws faults at any time, and crashes right after votes.
func drawPlan(rand *runtime.Rand) sim.Plan {
	p := sim.Swarm{
		Nodes: names, Kinds: kinds, Targets: network.Targets(""), Faults: 8, Steps: 3000, Lease: patience,
		Rules: map[string][]string{"network": {"drop 1/20", "duplicate 1/20 1s", "delay 1/10 500ms"}},
	}.Draw(rand)
	for i := range 2 * len(names) * rand.IntN(4) {
		if name := names[i%len(names)]; rand.IntN(2) == 0 {
			when, downtime := fmt.Sprintf("vote-of-%s#%d", name, 1+i/3), runtime.Between(rand, 0, 2*time.Millisecond)
			p.Faults = append(p.Faults, sim.Fault{Kind: sim.FaultCrash, Target: name, When: when, Duration: downtime})
		}
	}
	return p
}

// checkLeader asserts that a term has one leader.
func (c *cluster) checkLeader(rt *runtime.Runtime, term, id uint64) {
	first, _ := c.leaders.LoadOrStore(term, id)
	rt.Reachable("elected")
	rt.Always(first == id, "one-leader-a-term", "term", term, "first", first, "second", id)
}

// checkApplied asserts that all nodes apply the same log.
func (c *cluster) checkApplied(rt *runtime.Runtime, id uint64, entry *raftpb.Entry) {
	text := fmt.Sprintf("%s of term %d", entry.GetData(), entry.GetTerm())
	first, isKnown := c.log.LoadOrStore(entry.GetIndex(), text)
	if !isKnown {
		c.length.Add(1)
	}
	rt.Reachable("applied")
	rt.Always(first == text, "one-log", "index", entry.GetIndex(), "node", id, "first", first, "entry", text)
}
