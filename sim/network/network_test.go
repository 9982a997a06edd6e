package network_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/network"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// note is what the tests send.
type note struct {
	Text string
	Tags []string
}

func (n note) kind() string { return strings.TrimRight(n.Text, "0123456789") }

// lab is a world with nodes that do nothing but listen, and keep what they received.
type lab struct {
	world    *sim.World
	network  *network.Network[note]
	ports    shelf[*network.Port[note]] // by incarnation, "a" and "a2"
	received shelf[[]string]            // by node
}

func newLab(w *sim.World, rules string, options network.Options[note], nodes ...string) *lab {
	l := &lab{world: w}
	var err error
	options.Rules, err = network.ParseRules(rules)
	must(err)
	options.Kind = note.kind
	l.network, err = network.New(w, options)
	must(err)
	for _, name := range nodes {
		n, err := w.Node(name, l.listen)
		must(err)
		must(n.Boot())
	}
	l.pass(time.Second)
	return l
}

func (l *lab) listen(ctx context.Context, rt *runtime.Runtime) error {
	port := l.network.Listen(rt)
	name := rt.Node()
	l.ports.set(name, port)
	for {
		m, err := port.Recv(ctx)
		if err != nil {
			return err
		}
		l.received.set(name, append(l.received.get(name), m.From+":"+m.Body.Text))
	}
}

// send lets a task of a node send texts to another one.
func (l *lab) send(from, to string, texts ...string) {
	i := slices.IndexFunc(l.world.Nodes(), func(n *sim.Node) bool { return n.Name() == from })
	must(l.world.Nodes()[i].Go("send", func(context.Context, *runtime.Runtime) error {
		for _, text := range texts {
			must(l.ports.get(from).Send(to, note{Text: text}))
		}
		return nil
	}))
}

func (l *lab) pass(d time.Duration) { must(l.world.Runtime().Sleep(context.Background(), d)) }

func (l *lab) plan(lines ...string) {
	p, err := sim.ParsePlan(strings.Join(lines, "\n"))
	must(err)
	must(l.world.Inject(p.Faults...))
	l.world.Runtime().Yield()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// overSeeds runs a test in worlds of its own and returns how often each of the outcomes
// that it tells was seen.
func overSeeds(t *testing.T, seeds uint64, main func(t *testing.T, w *sim.World, tell func(string))) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for seed := uint64(1); seed <= seeds; seed++ {
		run := func(_ context.Context, w *sim.World) error {
			main(t, w, func(outcome string) { seen[outcome]++ })
			return nil
		}
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, run)
		if err != nil || r.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v %v", seed, err, r.Verdict)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	return seen
}

func wantSeen(t *testing.T, seen map[string]int, outcomes ...string) {
	t.Helper()
	for outcome := range seen {
		if !slices.Contains(outcomes, outcome) {
			t.Errorf("impossible: %s", outcome)
		}
	}
	for _, outcome := range outcomes {
		if seen[outcome] == 0 {
			t.Errorf("never: %s; seen %v", outcome, seen)
		}
	}
}

// TestMessagesOvertakeEachOther protects programs from a network that is better than
// theirs: latencies differ, so order does not hold, but nothing is lost without a fault.
func TestMessagesOvertakeEachOther(t *testing.T) {
	seen := overSeeds(t, 300, func(_ *testing.T, w *sim.World, tell func(string)) {
		l := newLab(w, "", network.Options[note]{}, "a", "b")
		l.send("a", "b", "1", "2")
		l.pass(time.Minute)
		tell(fmt.Sprint(l.received.get("b")))
	})
	wantSeen(t, seen, "[a:1 a:2]", "[a:2 a:1]")
}

// TestEqualLatenciesAreAChoice protects the competition of deliveries: two that are due at
// once come in either order.
func TestEqualLatenciesAreAChoice(t *testing.T) {
	seen := overSeeds(t, 100, func(_ *testing.T, w *sim.World, tell func(string)) {
		l := newLab(w, "", network.Options[note]{Latency: network.Fixed(time.Second)}, "a", "b", "c")
		l.send("a", "c", "1")
		l.send("b", "c", "2")
		l.pass(time.Minute)
		tell(fmt.Sprint(l.received.get("c")))
	})
	wantSeen(t, seen, "[a:1 b:2]", "[b:2 a:1]")
}

// TestRules protects what the effects promise, and their predicates.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		rules string
		want  []string
	}{
		{"drop 1/2", []string{"[]", "[a:x1]", "[a:y1]", "[a:x1 a:y1]"}},
		{"drop 1/2 kind=x", []string{"[a:y1]", "[a:x1 a:y1]"}},
		{"drop 1/2 from=b; drop 1/2 to=a", []string{"[a:x1 a:y1]"}},
		{"drop #2", []string{"[a:x1]"}},
		{"drop #1 from=a to=b kind=y", []string{"[a:x1]"}},
		{"duplicate #1", []string{"[a:x1 a:x1 a:y1]"}},
		{"duplicate 1/2 1h kind=x", []string{"[a:x1 a:y1]", "[a:x1 a:x1 a:y1]", "[a:x1 a:y1 a:x1]"}},
		{"delay #1 1h", []string{"[a:x1 a:y1]", "[a:y1 a:x1]"}},
		{"drop #1; duplicate #1", []string{"[a:y1]"}},
	} {
		t.Run(c.rules, func(t *testing.T) {
			seen := overSeeds(t, 200, func(_ *testing.T, w *sim.World, tell func(string)) {
				l := newLab(w, c.rules, network.Options[note]{Latency: network.Fixed(time.Millisecond)}, "a", "b")
				l.send("a", "b", "x1")
				l.pass(time.Second)
				l.send("a", "b", "y1")
				l.pass(2 * time.Hour)
				tell(fmt.Sprint(l.received.get("b")))
			})
			wantSeen(t, seen, c.want...)
		})
	}
}

// TestFaultsAreCounted protects obligations: what a rule did can be told from what it might
// have done, and Quiesce ends it.
func TestFaultsAreCounted(t *testing.T) {
	r, err := sim.Run(t.Context(), sim.Config{Seed: 5}, func(_ context.Context, w *sim.World) error {
		l := newLab(w, "drop #1; duplicate #1 kind=dup; delay #3 1s; drop #6", network.Options[note]{}, "a", "b")
		l.send("a", "b", "x1", "dup1", "x2", "x3")
		l.pass(time.Minute)
		w.Quiesce(time.Minute)
		l.send("a", "b", "x4", "x5")
		l.pass(time.Minute)
		w.Runtime().Always(len(l.received.get("b")) == 6, "received", "all", l.received.get("b"))
		return nil
	})
	if err != nil || r.Verdict.Kind != sim.OK {
		t.Fatal(err, r.Verdict)
	}
	counts := make(map[string]uint64)
	for _, a := range r.Assertions {
		if a.Kind == runtime.KindFault {
			counts[a.ID] = a.Held
		}
	}
	if counts["message-drop"] != 1 || counts["message-duplicate"] != 1 || counts["message-delay"] != 1 {
		t.Errorf("%v", counts)
	}
}

// TestPartitions protects the shapes: who can talk to whom during the fault, and that it
// ends with its duration.
func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		fault string
		works string // pairs that can talk, of a, b, c, d
	}{
		{"partition a|b+c", "ad bc bd cb cd da db dc"},
		{"partition a|b|c|d", ""},
		{"partition a+b|b+c+d", "ab ba bc bd cb cd db dc"},
		{"partition a+b|b+c|c+d|d+a", "ab ad ba bc cb cd da dc"},
		{"cut a>b+c", "ad ba bc bd ca cb cd da db dc"},
		{"cut a+b>c", "ab ad ba bd ca cb cd da db dc"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			nodes := []string{"a", "b", "c", "d"}
			overSeeds(t, 5, func(t *testing.T, w *sim.World, _ func(string)) {
				l := newLab(w, "", network.Options[note]{}, nodes...)
				l.plan(c.fault + " at step 1 for 1h")
				talk := func() string {
					l.received.clear()
					for _, from := range nodes {
						for _, to := range nodes {
							l.send(from, to, "x")
						}
					}
					l.pass(time.Minute)
					var works []string
					for to, all := range l.received.all() {
						for _, m := range all {
							if pair := m[:1] + to; pair[0] != pair[1] {
								works = append(works, pair)
							}
						}
					}
					slices.Sort(works)
					return strings.Join(works, " ")
				}
				if got := talk(); got != c.works {
					t.Errorf("%s, want %s", got, c.works)
				}
				if !slices.Contains(l.received.get("a"), "a:x") {
					t.Error("a node can not talk to itself")
				}
				l.pass(2 * time.Hour)
				if got := len(strings.Fields(talk())); got != 12 {
					t.Errorf("%d pairs can talk afterwards", got)
				}
			})
		})
	}
}

// TestPartitionTakesWhatIsOnItsWay protects the difference between a message that was sent
// before a partition and one that has arrived before it.
func TestPartitionTakesWhatIsOnItsWay(t *testing.T) {
	overSeeds(t, 10, func(t *testing.T, w *sim.World, _ func(string)) {
		l := newLab(w, "", network.Options[note]{Latency: network.Fixed(10 * time.Second)}, "a", "b")
		l.send("a", "b", "x")
		l.pass(time.Second)
		l.plan("partition a|b at step 1 for 1m")
		l.pass(2 * time.Minute)
		if all := l.received.get("b"); len(all) != 0 {
			t.Errorf("received %v", all)
		}
	})
}

// TestClogReleasesInAnyOrder protects programs from connections that hang and come back:
// nothing is lost, nothing comes before the end, and then all of it at once.
func TestClogReleasesInAnyOrder(t *testing.T) {
	seen := overSeeds(t, 100, func(t *testing.T, w *sim.World, tell func(string)) {
		l := newLab(w, "", network.Options[note]{Latency: network.Fixed(time.Millisecond)}, "a", "b")
		l.plan("clog a>b at step 1 for 1m")
		l.send("a", "b", "1")
		l.pass(time.Second)
		l.send("a", "b", "2")
		l.send("b", "a", "back")
		l.pass(50 * time.Second)
		if len(l.received.get("b")) != 0 || len(l.received.get("a")) != 1 {
			t.Errorf("received %v", l.received.all())
		}
		l.pass(time.Minute)
		tell(fmt.Sprint(l.received.get("b")))
	})
	wantSeen(t, seen, "[a:1 a:2]", "[a:2 a:1]")
}

// TestSwizzle protects the shape that FoundationDB found most with: all nodes are clogged
// in the middle, and free in the end.
func TestSwizzle(t *testing.T) {
	overSeeds(t, 20, func(t *testing.T, w *sim.World, _ func(string)) {
		l := newLab(w, "", network.Options[note]{Latency: network.Fixed(time.Millisecond)}, "a", "b", "c")
		l.plan("swizzle a+b+c at step 1 for 1m")
		l.pass(25 * time.Second)
		l.send("a", "b", "1")
		l.pass(time.Second)
		if len(l.received.all()) != 0 {
			t.Errorf("received %v", l.received.all())
		}
		l.pass(time.Minute)
		if len(l.received.get("b")) != 1 {
			t.Errorf("received %v", l.received.all())
		}
	})
}

// TestCrashes protects the border of processes: what a dead node has sent arrives, what
// waits in its inbox is gone, what is on its way goes to its next incarnation.
func TestCrashes(t *testing.T) {
	overSeeds(t, 20, func(t *testing.T, w *sim.World, _ func(string)) {
		l := newLab(w, "", network.Options[note]{Latency: network.Fixed(10 * time.Second)}, "a", "b")
		l.send("a", "b", "1")
		l.pass(time.Second)
		l.plan("crash a at step 1 for 1h", "crash b at step 1 for 2s")
		l.pass(time.Minute)
		if got := fmt.Sprint(l.received.get("b")); got != "[a:1]" {
			t.Errorf("received %v", got)
		}
		l.send("b", "a", "2")
		l.pass(time.Minute)
		if len(l.received.get("a")) != 0 {
			t.Errorf("a dead node received %v", l.received.get("a"))
		}
	})
}

// TestInboxIsBounded protects memory: a node that does not receive loses messages.
func TestInboxIsBounded(t *testing.T) {
	overSeeds(t, 3, func(t *testing.T, w *sim.World, _ func(string)) {
		l := newLab(w, "", network.Options[note]{InboxMax: 2}, "a")
		var deaf atomic.Pointer[network.Port[note]]
		n, err := w.Node("b", func(ctx context.Context, rt *runtime.Runtime) error {
			deaf.Store(l.network.Listen(rt))
			return rt.Sleep(ctx, 1<<62)
		})
		must(err)
		must(n.Boot())
		l.pass(time.Second)
		l.send("a", "b", "1", "2", "3", "4")
		l.send("a", "nobody", "1")
		l.pass(time.Minute)
		must(n.Go("count", func(context.Context, *runtime.Runtime) error {
			if got := deaf.Load().Inbox().Len(); got != 2 {
				t.Errorf("%d messages wait", got)
			}
			return nil
		}))
		l.pass(time.Second)
	})
}

// TestNodesShareNothing protects programs from the aliasing that a real network would not
// give them: the receiver's message is its own, and each copy of a duplicate.
func TestNodesShareNothing(t *testing.T) {
	overSeeds(t, 3, func(t *testing.T, w *sim.World, _ func(string)) {
		net, err := network.New(w, network.Options[note]{Rules: network.Rules{{Effect: network.Duplicate, Nth: 1}}})
		must(err)
		var got shelf[[]note]
		receiver, err := w.Node("b", func(ctx context.Context, rt *runtime.Runtime) error {
			port := net.Listen(rt)
			for {
				m, err := port.Recv(ctx)
				if err != nil {
					return err
				}
				m.Body.Tags[0] = "b's"
				got.set("b", append(got.get("b"), m.Body))
			}
		})
		must(err)
		must(receiver.Boot())
		sent := note{Tags: []string{"a's"}}
		sender, err := w.Node("a", func(ctx context.Context, rt *runtime.Runtime) error {
			must(rt.Sleep(ctx, time.Second))
			return net.Listen(rt).Send("b", sent)
		})
		must(err)
		must(sender.Boot())
		must(w.Runtime().Sleep(context.Background(), time.Minute))
		two := got.get("b")
		if len(two) != 2 || sent.Tags[0] != "a's" || &two[0].Tags[0] == &two[1].Tags[0] {
			t.Errorf("got %v, sent %v", two, sent)
		}
	})
}

// TestForeignPortIsBorder protects the rule that a node's things are its own.
func TestForeignPortIsBorder(t *testing.T) {
	r, err := sim.Run(t.Context(), sim.Config{Seed: 1}, func(_ context.Context, w *sim.World) error {
		l := newLab(w, "", network.Options[note]{}, "a")
		return l.ports.get("a").Send("a", note{})
	})
	if err != nil || r.Verdict.Kind != sim.Border {
		t.Error(err, r.Verdict)
	}
}

// TestImpossibleNetworksAreRefused protects those who configure one.
func TestImpossibleNetworksAreRefused(t *testing.T) {
	overSeeds(t, 1, func(t *testing.T, w *sim.World, _ func(string)) {
		for name, options := range map[string]network.Options[note]{
			"rule":    {Rules: network.Rules{{Effect: "explode", OneIn: 2}}},
			"latency": {Latency: network.Latency{2, 1}},
			"inbox":   {InboxMax: -1},
		} {
			if _, err := network.New(w, options); !errors.Is(err, network.ErrNetwork) {
				t.Errorf("%s: %v", name, err)
			}
		}
		l := newLab(w, "", network.Options[note]{}, "a", "b")
		if _, err := network.New(w, network.Options[note]{}); !errors.Is(err, sim.ErrFault) {
			t.Errorf("a second network of the same name: %v", err)
		}
		if _, err := network.New(w, network.Options[note]{Name: "backbone"}); err != nil {
			t.Error(err)
		}
		for _, fault := range []string{
			"partition a", "partition a|x", "cut a", "cut a>x", "clog x>a", "swizzle a+x", "partition a|b by 2", "backbone a",
		} {
			f, err := sim.ParseFault(fault + " at step 1 for 1s")
			must(err)
			if err := w.Inject(f); !errors.Is(err, sim.ErrFault) {
				t.Errorf("%s: %v", fault, err)
			}
		}
		l.plan("backbone-cut a>b at step 1 for 1s")
	})
}

// TestSwarmDrawsShapes protects plans: what is drawn can be planned, for any number of
// nodes.
func TestSwarmDrawsShapes(t *testing.T) {
	for count := 1; count <= 5; count++ {
		nodes := []string{"a", "b", "c", "d", "e"}[:count]
		shapes := overSeeds(t, 60, func(t *testing.T, w *sim.World, tell func(string)) {
			l := newLab(w, "", network.Options[note]{}, nodes...)
			swarm := sim.Swarm{Nodes: nodes, Faults: 4, Steps: 50, Targets: network.Targets("")}
			swarm.Kinds = []sim.FaultKind{
				network.FaultPartition, network.FaultCut, network.FaultClog, network.FaultSwizzle,
			}
			p := swarm.Draw(w.Runtime().Rand("swarm"))
			if err := w.Inject(p.Faults...); err != nil {
				t.Error(err)
			}
			l.pass(time.Minute)
			for _, f := range p.Faults {
				tell(string(f.Kind) + " " + f.Target)
			}
		})
		if count == 3 && len(shapes) < 15 {
			t.Errorf("only %v", shapes)
		}
	}
}

// TestSameSeedSameMessages protects replays, and the arrows of pictures: each message that
// is sent arrives or is lost, under its number.
func TestSameSeedSameMessages(t *testing.T) {
	record := func(seed uint64) (uint64, []trace.Event) {
		var events []trace.Event
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed, Trace: func(e trace.Event) {
			if e.Message != 0 {
				events = append(events, e)
			}
		}}, func(_ context.Context, w *sim.World) error {
			l := newLab(w, "drop 1/4; duplicate 1/4; delay 1/4 1s", network.Options[note]{}, "a", "b", "c")
			l.plan("partition a|b at step 1 for 1s")
			for range 5 {
				l.send("a", "b", "1", "2")
				l.send("c", "b", "3")
			}
			l.pass(time.Minute)
			return nil
		})
		must(err)
		return r.Hash, events
	}
	for seed := range uint64(10) {
		hash, events := record(seed)
		again, eventsAgain := record(seed)
		if hash != again || !slices.Equal(events, eventsAgain) {
			t.Fatalf("seed %d: %x and %x", seed, hash, again)
		}
		left := make(map[uint64]int)
		for _, e := range events {
			switch e.Kind {
			case trace.Send:
				left[e.Message]++
				if e.Node == "" || e.Peer == "" || !strings.HasPrefix(e.Location, "network/network_test.go") {
					t.Errorf("%+v", e)
				}
			case trace.Deliver, trace.Drop:
				left[e.Message]--
			}
		}
		for message, count := range left {
			if count > 0 {
				t.Errorf("seed %d: nobody knows what became of message %d", seed, message)
			}
		}
	}
}

// shelf keeps something of each node for the test, which is no task of it. Its lock is
// native, and nobody waits while it is held.
type shelf[T any] struct {
	mu    sync.Mutex
	items map[string]T
}

func (s *shelf[T]) get(node string) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[node]
}

func (s *shelf[T]) set(node string, item T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = make(map[string]T)
	}
	s.items[node] = item
}

func (s *shelf[T]) all() map[string]T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.items)
}

func (s *shelf[T]) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.items)
}

// TestDeadNodesReceiveNothing protects stories: what comes to a node that is down is told to
// be lost, not to have arrived.
func TestDeadNodesReceiveNothing(t *testing.T) {
	for seed := range uint64(10) {
		told := make(map[trace.Kind]int)
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed, Trace: func(e trace.Event) { told[e.Kind]++ }},
			func(_ context.Context, w *sim.World) error {
				l := newLab(w, "", network.Options[note]{}, "a", "b")
				l.plan("crash b at step 1 for 1h")
				l.send("a", "b", "1", "2")
				l.pass(time.Minute)
				return nil
			})
		if err != nil || r.Verdict.Kind != sim.OK || told[trace.Deliver] != 0 || told[trace.Drop] != 2 {
			t.Errorf("%v %v: %d arrive, %d are lost", err, r.Verdict, told[trace.Deliver], told[trace.Drop])
		}
	}
}
