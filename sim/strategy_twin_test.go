// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// instruction is one operation of a task of a drawn program.
type instruction struct {
	verb   string
	object int // 0 or 1
}

func (i instruction) String() string { return fmt.Sprint(i.verb, i.object) }

// verbs are what instructions do. Each notes in the task's own log what it came to.
var verbs = map[string]func(m *machine, ctx context.Context, object int) string{
	"lock":     func(m *machine, _ context.Context, o int) string { m.mutexes[o].Lock(); return "" },
	"try-lock": func(m *machine, _ context.Context, o int) string { return fmt.Sprint(m.mutexes[o].TryLock()) },
	"send":     func(m *machine, ctx context.Context, o int) string { return outcome(m.chans[o].Send(ctx, 7)) },
	"try-send": func(m *machine, _ context.Context, o int) string { return fmt.Sprint(m.chans[o].TrySend(8)) },
	"receive": func(m *machine, ctx context.Context, o int) string {
		v, err := m.chans[o].Recv(ctx)
		return fmt.Sprint(v, outcome(err))
	},
	"length": func(m *machine, _ context.Context, o int) string { return fmt.Sprint(m.chans[o].Len()) },
	"select": func(m *machine, ctx context.Context, o int) string {
		r, err := runtime.Select2(ctx, m.chans[o].RecvArm(), m.chans[1-o].SendArm(9))
		return fmt.Sprint(r.Index, r.V0, outcome(err))
	},
	"try-select": func(m *machine, _ context.Context, o int) string {
		r, ok := runtime.TrySelect2(m.chans[o].RecvArm(), m.chans[1-o].RecvArm())
		return fmt.Sprint(r.Index, r.V0, r.V1, ok)
	},
	"read": func(m *machine, _ context.Context, o int) string {
		m.rt.Read(m.resources[o])
		return fmt.Sprint(m.registers[o])
	},
	"write": func(m *machine, _ context.Context, o int) string {
		m.rt.Write(m.resources[o])
		m.registers[o]++
		return ""
	},
	"unlock": func(m *machine, _ context.Context, o int) string {
		if m.mutexes[o].TryLock() { // one that is not locked must not be unlocked
			return "was not locked"
		}
		m.mutexes[o].Unlock()
		return ""
	},
	"close": func(m *machine, _ context.Context, o int) string { m.chans[o].Close(); return "" },
	"share": func(m *machine, _ context.Context, o int) string { m.shared[o].RLock(); return "" },
	"own":   func(m *machine, _ context.Context, o int) string { return fmt.Sprint(m.shared[o].TryLock()) },
	"once": func(m *machine, _ context.Context, o int) string {
		is := ""
		m.onces[o].Do(func() { m.mutexes[o].Lock(); is = "me" })
		return is
	},
	"signal": func(m *machine, _ context.Context, o int) string { m.conds[o].Signal(); return "" },
	"wait": func(m *machine, _ context.Context, o int) string {
		if m.mutexes[o].TryLock() {
			m.conds[o].Wait()
		}
		return ""
	},
	"spawn": func(m *machine, ctx context.Context, o int) string {
		m.rt.Go(ctx, "child", func(context.Context) error { m.chans[o].TrySend(6); return nil })
		return ""
	},
	"timer": func(m *machine, _ context.Context, o int) string {
		_, received, _ := m.timers[o].C.TryRecv()
		return fmt.Sprint(received)
	},
	"stop":      func(m *machine, _ context.Context, o int) string { return fmt.Sprint(m.timers[o].Stop()) },
	"cancel":    func(m *machine, _ context.Context, _ int) string { m.cancel(); return "" },
	"cancelled": func(_ *machine, ctx context.Context, _ int) string { return outcome(ctx.Err()) },
	"acquire": func(m *machine, ctx context.Context, o int) string {
		return outcome(m.semaphores[o].Acquire(ctx, 1))
	},
	"clock": func(m *machine, _ context.Context, o int) string {
		m.rt.Read(m.resources[o])
		return fmt.Sprint(m.rt.Now().Nanosecond())
	},
	"sleep": func(m *machine, ctx context.Context, o int) string {
		return outcome(m.rt.Sleep(ctx, time.Duration(2+3*o)*time.Microsecond))
	},
	"draw": func(m *machine, _ context.Context, _ int) string {
		return fmt.Sprint(m.rt.Choose("network", "draw", 2))
	},
	"fail": func(*machine, context.Context, int) string { return "fail" },
}

// machine is what the tasks of a drawn program share.
type machine struct {
	rt         *runtime.Runtime
	mutexes    [2]*runtime.Mutex
	shared     [2]*runtime.RWMutex
	onces      [2]*runtime.Once
	conds      [2]*runtime.Cond
	timers     [2]*runtime.Timer
	chans      [2]*runtime.Chan[int]
	semaphores [2]*runtime.Semaphore
	resources  [2]*runtime.Resource
	registers  [2]int
	cancel     context.CancelFunc
	logs       []string
	isOpen     bool // the window: all tasks are there
}

var errDrawn = errors.New("drawn")

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "error"
}

// drawnProgram returns a world of tasks in one group that follow their instructions.
func drawnProgram(programs [][]instruction, room int, m *machine) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		*m = machine{rt: rt, logs: make([]string, len(programs)+1)}
		for i := range 2 {
			m.mutexes[i], m.chans[i] = rt.NewMutex(), runtime.NewChan[int](rt, room)
			m.shared[i], m.onces[i], m.conds[i] = rt.NewRWMutex(), rt.NewOnce(), rt.NewCond(m.mutexes[i])
			m.semaphores[i] = rt.NewSemaphore(1)
			m.resources[i] = runtime.NewResource("register", fmt.Sprint(i))
		}
		if has(programs, "timer", "stop") {
			for i := range 2 {
				m.timers[i] = rt.NewTimer(time.Duration(4+3*i) * time.Microsecond)
			}
		}
		ctx, m.cancel = rt.WithCancel(ctx)
		g := rt.NewGroup(ctx)
		for i, program := range programs {
			g.Go("task", func(ctx context.Context) error {
				for _, instruction := range program {
					note := verbs[instruction.verb](m, ctx, instruction.object)
					m.logs[i] += instruction.String() + "=" + note + " "
					if note == "fail" {
						return fmt.Errorf("%w by %d", errDrawn, i)
					}
				}
				return nil
			})
		}
		m.isOpen = true
		m.logs[len(programs)] = fmt.Sprint(g.Wait())
	})
}

// has reports whether one of the instructions has one of the verbs.
func has(programs [][]instruction, verbs ...string) bool {
	return slices.ContainsFunc(slices.Concat(programs...), func(i instruction) bool {
		return slices.Contains(verbs, i.verb)
	})
}

// outcomesOf explores a program, and returns everything that it can come to: how it
// ended, and what each task has noted until then.
func outcomesOf(t *rapid.T, main sim.Main, m *machine, everything bool) (sim.Exploration, []string) {
	outcomes := make(map[string]bool)
	x, err := sim.Explore(context.Background(), sim.Config{}, sim.Bound{
		Everything: everything, KeepGoing: true, Executions: 400, Window: func() bool { return m.isOpen },
		Each: func(r sim.Result) { outcomes[r.Verdict.FailureID()+"; "+strings.Join(m.logs, "; ")] = true },
	}, main)
	if err != nil {
		t.Fatal(err)
	}
	return x, slices.Sorted(maps.Keys(outcomes))
}

// TestSleepSetsLoseNothing protects the reduction, the clever one, against the slow and
// obvious one: on programs that are drawn, both find the same outcomes.
func TestSleepSetsLoseNothing(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) instruction {
		verb := rapid.SampledFrom(slices.Sorted(maps.Keys(verbs)))
		return instruction{verb.Draw(t, "verb"), rapid.IntRange(0, 1).Draw(t, "object")}
	})
	saved, complete := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		program := rapid.SliceOfN(draw, 1, 2)
		programs := rapid.SliceOfN(program, 2, 3).Draw(t, "programs")
		room := rapid.IntRange(0, 2).Draw(t, "room")
		m := &machine{}
		main := drawnProgram(programs, room, m)
		all, want := outcomesOf(t, main, m, true)
		if !all.Complete {
			t.Skip("not small enough")
		}
		reduced, got := outcomesOf(t, main, m, false)
		if diff := cmp.Diff(want, got); diff != "" || !reduced.Complete {
			t.Fatalf("all: %v\nreduced: %v\noutcomes (-all +reduced):\n%s", all, reduced, diff)
		}
		complete++
		if reduced.Executions < all.Executions {
			saved++
		}
	})
	t.Logf("executions saved in %d of %d programs", saved, complete)
	if !t.Failed() && saved < complete/2 {
		t.Errorf("executions saved in %d of %d programs", saved, complete)
	}
}
