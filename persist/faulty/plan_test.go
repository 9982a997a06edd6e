package faulty_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/faulty"
)

// TestPlansSurviveTheirText protects plans that are printed, kept and parsed.
func TestPlansSurviveTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := rapid.SliceOf(rapid.Custom(drawRule)).Draw(t, "plan")
		parsed, err := faulty.ParsePlan(faulty.Plan(plan).String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plan, []faulty.Rule(parsed)); len(plan) > 0 && diff != "" {
			t.Fatalf("(-printed +parsed):\n%s", diff)
		}
	})
}

func drawRule(t *rapid.T) faulty.Rule {
	r := faulty.Rule{
		Op:        rapid.SampledFrom([]faulty.Op{faulty.Any, faulty.Get, faulty.CAS, faulty.ListKeys, faulty.Head}).Draw(t, "op"),
		Effect:    rapid.SampledFrom([]faulty.Effect{faulty.FailBefore, faulty.Late, faulty.Stall, faulty.Throttle}).Draw(t, "effect"),
		OneIn:     rapid.IntRange(2, 1000).Draw(t, "one in"),
		KeyPrefix: rapid.StringMatching(`[a-z0-9/-]{0,6}`).Draw(t, "key prefix"),
	}
	if rapid.Bool().Draw(t, "has a maximum") {
		r.Max = rapid.IntRange(1, 100).Draw(t, "max")
	}
	if r.Effect == faulty.Stall {
		r.StallMax = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "stall"))
	}
	return r
}

// TestBadPlansAreRefused protects people who write plans by hand.
func TestBadPlansAreRefused(t *testing.T) {
	for _, text := range []string{
		"cas", "cas fail-after", "cas fail-after 20", "cas fail-after 1/x", "cas fail-after 1/0", "cas fail-after 1/1", "cas fail-after 1/-3",
		"cas explode 1/2", "teleport late 1/2", "any stall 1/2", "any stall 1/2 -3s", "get late 1/2 3s",
		"get late 1/2 key=a key=b", "any stall 1/2 1s 2s", "cas late 1/2 soon",
		"cas flip 1/2", "get duplicate 1/2", "set slow 1/2 1s", "list slow 1/2", "get cut 1/2 1s", "set cut 1/2",
		"get cut 1/2 max=0", "get cut 1/2 max=-1", "get cut 1/2 max=many", "get cut 1/2 max=2 max=2",
	} {
		if plan, err := faulty.ParsePlan(text); !errors.Is(err, faulty.ErrPlan) {
			t.Errorf("%q: %v, %v; want an ErrPlan", text, plan, err)
		}
	}
	if _, err := faulty.New(faulty.Plan{{Op: faulty.Get, Effect: faulty.Late}}, 0); !errors.Is(err, faulty.ErrPlan) {
		t.Errorf("New with a chance of one in 0: %v", err)
	}
}

func ExampleParsePlan() {
	plan, err := faulty.ParsePlan("cas fail-after 1/20; any stall 1/100 3s key=s0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(plan), "rules:", plan)
	_, err = faulty.ParsePlan("cas explode 1/2")
	fmt.Println(err)
	// Output:
	// 2 rules: cas fail-after 1/20; any stall 1/100 3s key=s0
	// faulty: plan: unknown effect "explode"
}
