package sim_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Two tasks add to a counter, but read and write it in separate steps. Most
// seeds find the lost update, and each repeats.
func ExampleRun() {
	main := func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		var counter atomic.Int64
		g := rt.NewGroup(ctx)
		for range 2 {
			g.Go("adder", func(context.Context) error {
				read := counter.Load()
				rt.Yield()
				counter.Store(read + 1)
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		rt.Always(counter.Load() == 2, "no-lost-update", "counter", counter.Load())
		return nil
	}
	for seed := range uint64(100) {
		result, err := sim.Run(context.Background(), sim.Config{Seed: seed}, main)
		if err != nil {
			fmt.Println(err)
			return
		}
		if result.Verdict.Failed() {
			again, err := sim.Run(context.Background(), sim.Config{Seed: seed}, main)
			fmt.Println(result.Verdict, err)
			fmt.Println("the same again:", again.Hash == result.Hash)
			return
		}
	}
	// Output:
	// no-lost-update counter=1 <nil>
	// the same again: true
}

// A node is a process: it boots, crashes, and boots again with nothing but what
// it kept outside, here in a variable of the world.
func ExampleWorld_Node() {
	disk := 0
	result, err := sim.Run(context.Background(), sim.Config{}, func(ctx context.Context, w *sim.World) error {
		n, err := w.Node("server", func(ctx context.Context, rt *runtime.Runtime) error {
			fmt.Printf("incarnation %d finds %d on its disk\n", rt.Incarnation(), disk)
			disk++
			defer fmt.Printf("incarnation %d is unwound\n", rt.Incarnation()) // a dead one when all is over
			return rt.Sleep(ctx, time.Hour)
		})
		if err != nil {
			return err
		}
		if err := n.Boot(); err != nil {
			return err
		}
		if err := w.Runtime().Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if err := n.Crash(); err != nil {
			return err
		}
		fmt.Println(n.State())
		if err := n.Restart(); err != nil {
			return err
		}
		if err := w.Runtime().Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if err := n.Stop(time.Second); err != nil {
			return err
		}
		fmt.Println(n.State())
		return nil
	})
	fmt.Println(result.Verdict, err)
	// Output:
	// incarnation 1 finds 0 on its disk
	// crashed
	// incarnation 2 finds 1 on its disk
	// incarnation 2 is unwound
	// down
	// incarnation 1 is unwound
	// ok <nil>
}

// A fault is planned before it happens. Quiesce ends all of them, so that what
// comes after can be judged.
func ExampleWorld_Inject() {
	result, err := sim.Run(context.Background(), sim.Config{}, func(ctx context.Context, w *sim.World) error {
		var beats atomic.Int64
		n, err := w.Node("heart", func(ctx context.Context, rt *runtime.Runtime) error {
			for {
				if err := rt.Sleep(ctx, time.Second); err != nil {
					return err
				}
				beats.Add(1)
			}
		})
		if err != nil {
			return err
		}
		if err := n.Boot(); err != nil {
			return err
		}
		fault := sim.Fault{Kind: sim.FaultPause, Target: n.Name(), Step: 10, Duration: time.Hour}
		fmt.Println(fault)
		if err := w.Inject(fault); err != nil {
			return err
		}
		if err := w.Runtime().Sleep(ctx, time.Minute); err != nil {
			return err
		}
		fmt.Println(n.State(), "before,", beats.Load() < 10)
		w.Quiesce(time.Minute)
		fmt.Println(n.State(), "after,", beats.Load() > 50)
		return nil
	})
	fmt.Println(result.Verdict, err)
	// Output:
	// pause heart at step 10 for 1h0m0s
	// paused before, true
	// up after, true
	// ok <nil>
}

// A tape holds the choices of a run, for another day and another machine.
func ExampleTape() {
	main := func(_ context.Context, w *sim.World) error {
		rt := w.Runtime()
		rt.Always(rt.Choose("storage", "answer", 4) != 3, "answered")
		return nil
	}
	var failed sim.Result
	for seed := uint64(0); !failed.Verdict.Failed(); seed++ {
		var err error
		if failed, err = sim.Run(context.Background(), sim.Config{Seed: seed}, main); err != nil {
			fmt.Println(err)
			return
		}
	}
	failed.Tape.SetScenario("answers")
	data, err := failed.Tape.MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}

	tape := &sim.Tape{}
	if err := tape.UnmarshalBinary(data); err != nil {
		fmt.Println(err)
		return
	}
	replayed, err := sim.Run(context.Background(), sim.Config{Replay: tape}, main)
	fmt.Println(tape.Scenario, tape.Len(), replayed.Verdict, err)

	other := func(context.Context, *sim.World) error { return nil }
	replayed, err = sim.Run(context.Background(), sim.Config{Replay: tape}, other)
	fmt.Println(replayed.Verdict, err)
	// Output:
	// answers 1 answered <nil>
	// diverged: the run made 0 choices, the tape holds 1 <nil>
}

// The story of a run says who did what, where and when.
func ExampleConfig_trace() {
	fmt.Println("story:")
	story := trace.NewStory(os.Stdout)
	config := sim.Config{Seed: 3, Trace: func(e trace.Event) {
		e.Location = "" // lines change
		story.Add(e)
	}}
	result, err := sim.Run(context.Background(), config, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		mu := rt.NewMutex()
		mu.Lock()
		rt.Go(ctx, "second", func(context.Context) error { mu.Lock(); return nil })
		mu.Lock()
		return nil
	})
	fmt.Println(result.Verdict, err)
	// Output:
	// story:
	//       1   +0.000001s  main                                    starts
	//       2   +0.000002s  main                                    lock ExampleConfig_trace.func.mutex#0
	//       3   +0.000003s  main                                    spawn
	//       4   +0.000004s  main                                    lock ExampleConfig_trace.func.mutex#0
	//       4   +0.000004s  main                                    waits: lock ExampleConfig_trace.func.mutex#0
	//       5   +0.000005s  main/second                             starts
	//       6   +0.000006s  main/second                             lock ExampleConfig_trace.func.mutex#0
	//       6   +0.000006s  main/second                             waits: lock ExampleConfig_trace.func.mutex#0
	//       7   +0.000007s  world                                   VERDICT deadlock: no task can ever run again
	// deadlock: no task can ever run again <nil>
}
