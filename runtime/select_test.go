package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
)

// outcome is what the selects of all sizes have in common.
type outcome struct {
	index int
	ok    bool
	value int // of the chosen arm
	err   error
}

// The selects by their number of arms; each takes as many as it needs.
var selects = map[string]func(ctx context.Context, arms [4]runtime.Arm[int]) outcome{
	"Select2": func(ctx context.Context, a [4]runtime.Arm[int]) outcome {
		r, err := runtime.Select2(ctx, a[0], a[1])
		return outcome{r.Index, r.OK, r.V0 + r.V1, err}
	},
	"Select3": func(ctx context.Context, a [4]runtime.Arm[int]) outcome {
		r, err := runtime.Select3(ctx, a[0], a[1], a[2])
		return outcome{r.Index, r.OK, r.V0 + r.V1 + r.V2, err}
	},
	"Select4": func(ctx context.Context, a [4]runtime.Arm[int]) outcome {
		r, err := runtime.Select4(ctx, a[0], a[1], a[2], a[3])
		return outcome{r.Index, r.OK, r.V0 + r.V1 + r.V2 + r.V3, err}
	},
	"TrySelect2": func(_ context.Context, a [4]runtime.Arm[int]) outcome {
		r, ok := runtime.TrySelect2(a[0], a[1])
		return outcome{r.Index, r.OK, r.V0 + r.V1, errorUnless(ok)}
	},
	"TrySelect3": func(_ context.Context, a [4]runtime.Arm[int]) outcome {
		r, ok := runtime.TrySelect3(a[0], a[1], a[2])
		return outcome{r.Index, r.OK, r.V0 + r.V1 + r.V2, errorUnless(ok)}
	},
	"TrySelect4": func(_ context.Context, a [4]runtime.Arm[int]) outcome {
		r, ok := runtime.TrySelect4(a[0], a[1], a[2], a[3])
		return outcome{r.Index, r.OK, r.V0 + r.V1 + r.V2 + r.V3, errorUnless(ok)}
	},
}

var errDefault = errors.New("default")

func errorUnless(ok bool) error {
	if ok {
		return nil
	}
	return errDefault
}

func armsOf(name string) int { return int(name[len(name)-1] - '0') }

// In a select of any size the one arm that is ready is chosen, wherever it
// stands, whether it sends, receives or finds its channel closed, and whether
// the others send, receive or are on nil channels.
func TestSelectChoosesTheReadyArm(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		for name, run := range selects {
			for index := range armsOf(name) {
				for _, kind := range []string{"send", "receive", "closed"} {
					checkSelect(t, ctx, rt, name, index, kind, run)
				}
			}
		}
	})
}

func checkSelect(t *testing.T, ctx context.Context, rt *runtime.Runtime, name string, index int, kind string,
	run func(ctx context.Context, arms [4]runtime.Arm[int]) outcome,
) {
	t.Helper()
	idle := runtime.NewChan[int](rt, 0)
	for _, other := range []runtime.Arm[int]{idle.SendArm(9), idle.RecvArm(), {}} {
		arms := [4]runtime.Arm[int]{other, other, other, other}
		c := runtime.NewChan[int](rt, 1)
		want := outcome{index: index, ok: true}
		switch kind {
		case "send":
			arms[index] = c.SendArm(5)
		case "receive":
			_ = c.Send(ctx, 5)
			arms[index], want.value = c.RecvArm(), 5
		case "closed":
			c.Close()
			arms[index], want.ok = c.RecvArm(), false
		}
		if got := run(ctx, arms); got != want {
			t.Errorf("%s with a %s as arm %d: %+v, want %+v", name, kind, index, got, want)
		}
		if kind == "send" {
			if v, _, _ := c.TryRecv(); v != 5 {
				t.Errorf("%s with a send as arm %d sent %d", name, index, v)
			}
		}
	}
}

// A select that waits is woken through any of its arms, and gets its value.
func TestSelectWakesThroughEveryArm(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		for _, name := range []string{"Select2", "Select3", "Select4"} {
			for index := range armsOf(name) {
				var arms [4]runtime.Arm[int]
				channels := make([]*runtime.Chan[int], 4)
				for i := range arms {
					channels[i] = runtime.NewChan[int](rt, 0)
					arms[i] = channels[i].RecvArm()
				}
				sender := rt.Go(ctx, "sender", func(ctx context.Context) error { return channels[index].Send(ctx, 5) })
				want := outcome{index: index, ok: true, value: 5}
				if got := selects[name](ctx, arms); got != want {
					t.Errorf("%s through arm %d: %+v, want %+v", name, index, got, want)
				}
				_ = sender.Wait(ctx)
			}
		}
	})
}

// A select that chooses nothing says so with the index -1, so that a switch
// over the index does not take the first arm by mistake.
func TestSelectWithoutAChoice(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		cancelled, cancel := rt.WithCancel(ctx)
		cancel()
		idle := runtime.NewChan[int](rt, 0).RecvArm()
		for name, run := range selects {
			for _, arm := range []runtime.Arm[int]{idle, {}} {
				got := run(cancelled, [4]runtime.Arm[int]{arm, arm, arm, arm})
				want := outcome{index: -1, err: context.Canceled}
				if name[0] == 'T' {
					want.err = errDefault
				}
				if got != want {
					t.Errorf("%s: %+v, want %+v", name, fmt.Sprint(got), want)
				}
			}
		}
	})
}
