package core_test

import (
	"fmt"
	goruntime "runtime"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// sizes are numbers of collections. What one step costs must not depend on them,
// other than through the cache.
var sizes = []uint64{10, 1_000, 10_000, 100_000}

// plain creates n collections without dependencies.
func plain(t failer, n uint64) *core.Core {
	t.Helper()
	c := core.New()
	plans := make([]core.Plan, n)
	for i := range plans {
		plans[i].ID = core.UserID(uint64(i))
	}
	created(t, c, plans...)
	return c
}

func perSize(b *testing.B, run func(*testing.B, uint64)) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
		})
	}
}

// What each reader does.
func BenchmarkAcquireClose(b *testing.B) {
	perSize(b, func(b *testing.B, n uint64) {
		c, i := plain(b, n), uint64(0)
		for b.Loop() {
			i = (i + 7919) % n
			acquireAndClose(b, c, core.UserID(i))
		}
	})
}

// The same at the top of a chain of 64: the frontier stays, so the chain does not
// matter.
func BenchmarkAcquireCloseOnChain(b *testing.B) {
	c := chain(b, 64)
	b.ReportAllocs()
	for b.Loop() {
		acquireAndClose(b, c, core.UserID(63))
	}
}

func acquireAndClose(b *testing.B, c *core.Core, id core.GlobalID) {
	hold, err := c.AcquireAt(id, frontier.At(0))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.ApplyHoldChanges(hold.Close()); err != nil {
		b.Fatal(err)
	}
}

// What each writer does: the policy moves the read frontier each time, or in only
// one of a thousand reports.
func BenchmarkReportUpper(b *testing.B) {
	for name, policy := range map[string]core.ReadPolicy{
		"moving": core.StepBack(), "rounded": must(core.LagBy(1000, 1000))(b),
	} {
		b.Run(name, func(b *testing.B) {
			perSize(b, func(b *testing.B, n uint64) {
				c, i, upper := plain(b, n), uint64(0), uint64(1000)
				setPolicies(b, c, policy)
				for b.Loop() {
					i, upper = (i+7919)%n, upper+1
					if _, err := c.ReportUppers(core.UpperReport{ID: core.UserID(i), Upper: frontier.At(upper)}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func setPolicies(t failer, c *core.Core, policy core.ReadPolicy) {
	t.Helper()
	var changes []core.PolicyChange
	for _, id := range c.IDs() {
		changes = append(changes, core.PolicyChange{ID: id, Policy: policy})
	}
	must(c.SetPolicies(changes...))(t)
}

// One collection of many gets another policy.
func BenchmarkSetPolicy(b *testing.B) {
	perSize(b, func(b *testing.B, n uint64) {
		c, i, since := plain(b, n), uint64(0), uint64(0)
		for b.Loop() {
			i, since = (i+7919)%n, since+1
			policy := core.ValidFrom(frontier.At(since))
			must(c.SetPolicies(core.PolicyChange{ID: core.UserID(i), Policy: policy}))(b)
		}
	})
}

// All collections of a graph move in one step: the cost is per visit, whatever the
// graph and its ids are like.
func BenchmarkMoveAll(b *testing.B) {
	fan := core.New()
	plans := []core.Plan{{ID: core.UserID(0)}}
	for i := range uint64(10_000) {
		plans = append(plans, core.Plan{ID: core.UserID(i + 1), Dependencies: users(0)})
	}
	created(b, fan, plans...)
	for _, graph := range []struct {
		name string
		core *core.Core
	}{
		{"chain=64", chain(b, 64)},
		{"ladder=2x32", ladder(b, 32, false)},
		{"ladder=2x32/hostile", ladder(b, 32, true)},
		{"fan=10000", fan},
		{"plain=10000", plain(b, 10_000)},
		{"plain=100000", plain(b, 100_000)},
	} {
		b.Run(graph.name, func(b *testing.B) {
			var changes []core.PolicyChange
			for _, id := range graph.core.IDs() {
				changes = append(changes, core.PolicyChange{ID: id})
			}
			since, visits := uint64(0), graph.core.Visits()
			for b.Loop() {
				since++
				policy := core.ValidFrom(frontier.At(since))
				for i := range changes {
					changes[i].Policy = policy
				}
				if _, err := graph.core.SetPolicies(changes...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(graph.core.Visits()-visits), "ns/visit")
		})
	}
}

// Reserving and installing all collections at once, as at a start.
func BenchmarkInstall(b *testing.B) {
	perSize(b, func(b *testing.B, n uint64) {
		for b.Loop() {
			plain(b, n)
		}
	})
}

// The self-check, which is linear.
func BenchmarkCheck(b *testing.B) {
	perSize(b, func(b *testing.B, n uint64) {
		c := plain(b, n)
		for b.Loop() {
			must(0, c.Check())(b)
		}
	})
}

// What a collection takes in memory.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	var before, after goruntime.MemStats
	for b.Loop() {
		goruntime.GC()
		goruntime.ReadMemStats(&before)
		c := plain(b, n)
		goruntime.GC()
		goruntime.ReadMemStats(&after)
		goruntime.KeepAlive(c)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/collection")
}
