package faulty

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Op names an operation of a store. Any matches all of them.
type Op string

// The operations.
const (
	Any      Op = "any"
	Get      Op = "get"
	Set      Op = "set"
	Delete   Op = "delete"
	List     Op = "list"
	Restore  Op = "restore"
	Head     Op = "head"
	CAS      Op = "cas"
	Scan     Op = "scan"
	Truncate Op = "truncate"
	ListKeys Op = "list-keys"
)

var ops = []Op{Any, Get, Set, Delete, List, Restore, Head, CAS, Scan, Truncate, ListKeys}

// writes reports whether the operation has an effect on the store.
func (o Op) writes() bool {
	return slices.Contains([]Op{Set, Delete, Restore, CAS, Truncate}, o)
}

// Effect is what goes wrong.
type Effect string

// The effects.
const (
	// FailBefore answers with an indeterminate error; nothing has happened.
	FailBefore Effect = "fail-before"
	// FailAfter answers with an indeterminate error after all has happened.
	FailAfter Effect = "fail-after"
	// Late answers with an indeterminate error, and lets the effect happen at
	// a later access to the store, or never: also after the caller has tried
	// again, or has died. A read fails as with FailBefore.
	Late Effect = "late"
	// Stall delays the operation.
	Stall Effect = "stall"
	// Refuse answers with a determinate error.
	Refuse Effect = "refuse"
	// Throttle refuses an operation, and up to seven of those that the process tries
	// next and that the rule matches.
	Throttle Effect = "throttle"
	// Conflict refuses a compare-and-set, as a store does where others are under way:
	// nothing has happened, and nothing is decided.
	Conflict Effect = "conflict"
	// Duplicate carries out a write, and lets it happen once more at a later access to
	// the store, or never, as a network does that delivers a request twice.
	Duplicate Effect = "duplicate"
	// Flip flips a bit of what a read returns.
	Flip Effect = "flip"
	// Cut returns the beginning of what was read, as if that were all.
	Cut Effect = "cut"
	// Slow lets time pass in the middle of a listing, which then goes on with what
	// there is by that time, as one does that comes in pages.
	Slow Effect = "slow"
)

var effects = []Effect{FailBefore, FailAfter, Late, Stall, Refuse, Throttle, Conflict, Duplicate, Flip, Cut, Slow}

// fits reports whether an effect can happen to an operation.
func (e Effect) fits(op Op) bool {
	switch e {
	case Duplicate:
		return op.writes()
	case Flip, Cut:
		return op == Get || op == Head || op == Scan
	case Conflict:
		return op == CAS
	case Slow:
		return op == List || op == ListKeys
	}
	return true
}

// takesTime reports whether the effect has a duration.
func (e Effect) takesTime() bool { return e == Stall || e == Slow }

// Rule lets one effect happen to some operations.
type Rule struct {
	Op     Op
	Effect Effect
	// OneIn is the average number of matching operations for one fault. It is at
	// least 2, because a choice of 0 has to mean that nothing bad happens.
	OneIn int
	// KeyPrefix restricts the rule to some keys; empty matches all.
	KeyPrefix string
	// Max is how many faults there are at most for each process and key; 0 is any number.
	Max int
	// StallMax is the longest stall; needed for Stall and Slow, and only there.
	StallMax time.Duration
}

// Plan is a list of rules. For each operation they are tried in order, and at
// most one of them fires.
type Plan []Rule

// ErrPlan is wrapped by the errors about plans.
var ErrPlan = errors.New("faulty: plan")

// Validate returns the first thing that is wrong with the plan.
func (p Plan) Validate() error {
	for _, r := range p {
		switch {
		case !slices.Contains(ops, r.Op):
			return fmt.Errorf("%w: unknown operation %q", ErrPlan, r.Op)
		case !slices.Contains(effects, r.Effect):
			return fmt.Errorf("%w: unknown effect %q", ErrPlan, r.Effect)
		case r.OneIn < 2:
			return fmt.Errorf("%w: %s %s one in %d", ErrPlan, r.Op, r.Effect, r.OneIn)
		case r.Op != Any && !r.Effect.fits(r.Op):
			return fmt.Errorf("%w: %s does not happen to %s", ErrPlan, r.Effect, r.Op)
		case r.Effect.takesTime() && r.StallMax <= 0:
			return fmt.Errorf("%w: %s %s for at most %v", ErrPlan, r.Op, r.Effect, r.StallMax)
		case !r.Effect.takesTime() && r.StallMax != 0:
			return fmt.Errorf("%w: %s %s with a duration", ErrPlan, r.Op, r.Effect)
		case r.Max < 0:
			return fmt.Errorf("%w: %s %s at most %d times", ErrPlan, r.Op, r.Effect, r.Max)
		case strings.ContainsAny(r.KeyPrefix, "; \t\n"):
			return fmt.Errorf("%w: key prefix %q with a separator in it", ErrPlan, r.KeyPrefix)
		}
	}
	return nil
}

// String returns the text form, which ParsePlan reads.
func (p Plan) String() string {
	rules := make([]string, len(p))
	for i, r := range p {
		rules[i] = fmt.Sprintf("%s %s 1/%d", r.Op, r.Effect, r.OneIn)
		if r.StallMax != 0 {
			rules[i] += " " + r.StallMax.String()
		}
		if r.KeyPrefix != "" {
			rules[i] += " key=" + r.KeyPrefix
		}
		if r.Max != 0 {
			rules[i] += " max=" + strconv.Itoa(r.Max)
		}
	}
	return strings.Join(rules, "; ")
}

// ParsePlan reads the text form of a plan. An empty text is a plan without
// rules. The error wraps ErrPlan.
func ParsePlan(text string) (Plan, error) {
	var plan Plan
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		rule, err := parseRule(words)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrPlan, strings.TrimSpace(part), err)
		}
		plan = append(plan, rule)
	}
	return plan, plan.Validate()
}

func parseRule(words []string) (Rule, error) {
	if len(words) < 3 {
		return Rule{}, errors.New("a rule is OPERATION EFFECT 1/N [DURATION] [key=PREFIX] [max=N]")
	}
	rule := Rule{Op: Op(words[0]), Effect: Effect(words[1])}
	chance, ok := strings.CutPrefix(words[2], "1/")
	n, err := strconv.Atoi(chance)
	if !ok || err != nil {
		return Rule{}, fmt.Errorf("chance %q is not 1/N", words[2])
	}
	rule.OneIn = n
	for _, word := range words[3:] {
		if prefix, ok := strings.CutPrefix(word, "key="); ok && rule.KeyPrefix == "" {
			rule.KeyPrefix = prefix
			continue
		}
		if digits, ok := strings.CutPrefix(word, "max="); ok && rule.Max == 0 {
			if rule.Max, err = strconv.Atoi(digits); err != nil || rule.Max < 1 {
				return Rule{}, fmt.Errorf("%q is not max=N", word)
			}
			continue
		}
		d, err := time.ParseDuration(word)
		if err != nil || rule.StallMax != 0 {
			return Rule{}, fmt.Errorf("%q is none of a duration, key=PREFIX and max=N", word)
		}
		rule.StallMax = d
	}
	return rule, nil
}
