package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// The faults that [Faulty] delivers, by the names under which the runtime counts
// them.
const (
	// FaultRefuse answers with a determinate error; nothing has happened.
	FaultRefuse = "catalog-refuse"
	// FaultFailBefore answers with an indeterminate error; nothing has happened and
	// nothing will, though a change may have run.
	FaultFailBefore = "catalog-fail-before"
	// FaultFailAfter answers with an indeterminate error after all has happened.
	FaultFailAfter = "catalog-fail-after"
)

// FaultPlan says how often a catalog fails: each field is the average number of
// operations for one such fault. 0 is never; 1 is refused, because a choice of 0
// has to mean that nothing bad happens.
type FaultPlan struct {
	Refuse, FailBefore, FailAfter int
}

// Validate returns the first thing that is wrong with the plan. The error is
// determinate, and wraps [persist.ErrUsage].
func (p FaultPlan) Validate() error {
	for _, c := range p.chances() {
		if c.oneIn < 0 || c.oneIn == 1 {
			return fmt.Errorf("catalog: %s one in %d: %w: %w", c.fault, c.oneIn,
				persist.ErrDeterminate, persist.ErrUsage)
		}
	}
	return nil
}

type chance struct {
	fault string
	oneIn int
}

// chances are in the order in which they are drawn.
func (p FaultPlan) chances() [3]chance {
	return [...]chance{{FaultRefuse, p.Refuse}, {FaultFailBefore, p.FailBefore}, {FaultFailAfter, p.FailAfter}}
}

// String returns the text form, which ParseFaultPlan reads: "refuse 1/5; fail-after 1/8".
func (p FaultPlan) String() string {
	var rules []string
	for _, c := range p.chances() {
		if c.oneIn != 0 {
			rules = append(rules, fmt.Sprintf("%s 1/%d", strings.TrimPrefix(c.fault, faultPrefix), c.oneIn))
		}
	}
	return strings.Join(rules, "; ")
}

const faultPrefix = "catalog-"

// ParseFaultPlan reads the text form of a plan; an empty text is one without faults. The
// error is that of Validate.
func ParseFaultPlan(text string) (FaultPlan, error) {
	var p FaultPlan
	fields := map[string]*int{FaultRefuse: &p.Refuse, FaultFailBefore: &p.FailBefore, FaultFailAfter: &p.FailAfter}
	for rule := range strings.SplitSeq(text, ";") {
		words := strings.Fields(rule)
		if len(words) == 0 {
			continue
		}
		into, known := fields[faultPrefix+words[0]]
		if !known || *into != 0 || len(words) != 2 {
			return FaultPlan{}, badRule(rule)
		}
		number, ok := strings.CutPrefix(words[1], "1/")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 2 {
			return FaultPlan{}, badRule(rule)
		}
		*into = n
	}
	return p, nil
}

func badRule(rule string) error {
	return fmt.Errorf("catalog: rule %q is not refuse, fail-before or fail-after, and 1/N, N at least 2: %w: %w",
		strings.TrimSpace(rule), persist.ErrDeterminate, persist.ErrUsage)
}

// Faulty wraps inner, the view that the process of rt has of a catalog, and loses
// answers: at most one fault for an operation, drawn on the stream "storage". A live
// runtime draws none, and they stop when a simulated world quiesces. Faults are
// counted by [runtime.Runtime.FaultDelivered] when they are delivered. An operation
// that goes wrong by itself, because its change has failed or it is fenced, is
// answered with its own error.
//
// If the plan is not valid, every operation answers with the error of
// [FaultPlan.Validate].
func Faulty(rt *runtime.Runtime, inner Catalog, plan FaultPlan) Catalog {
	return &faulty{rt, inner, plan}
}

type faulty struct {
	rt    *runtime.Runtime
	inner Catalog
	plan  FaultPlan
}

// NextEpoch implements [Catalog].
func (f *faulty) NextEpoch(ctx context.Context) (int64, error) {
	fault, err := f.draw("next epoch")
	if err != nil {
		return 0, err
	}
	if fault == FaultRefuse || fault == FaultFailBefore {
		return 0, f.deliver(fault, "next epoch")
	}
	epoch, err := f.inner.NextEpoch(ctx)
	if err == nil && fault == FaultFailAfter {
		return 0, f.deliver(fault, "next epoch")
	}
	return epoch, err
}

// Update implements [Catalog].
func (f *faulty) Update(ctx context.Context, epoch int64, change func(Draft) error) error {
	fault, err := f.draw("update")
	if err != nil {
		return err
	}
	switch fault {
	case FaultRefuse:
		return f.deliver(fault, "update")
	case FaultFailBefore:
		err := f.inner.Update(ctx, epoch, func(d Draft) error {
			if err := change(d); err != nil {
				return err
			}
			return errAbandoned
		})
		if !errors.Is(err, errAbandoned) {
			return err
		}
		return f.deliver(fault, "update")
	}
	err = f.inner.Update(ctx, epoch, change)
	if err == nil && fault == FaultFailAfter {
		return f.deliver(fault, "update")
	}
	return err
}

// errAbandoned is what a change returns in place of a commit.
var errAbandoned = errors.New("catalog: abandoned on purpose")

// draw returns the fault of an operation, "" for none.
func (f *faulty) draw(operation string) (fault string, err error) {
	if err := f.plan.Validate(); err != nil {
		return "", err
	}
	for _, c := range f.plan.chances() {
		if c.oneIn != 0 && f.rt.Choose("storage", operation+" "+c.fault, c.oneIn) == c.oneIn-1 {
			return c.fault, nil
		}
	}
	return "", nil
}

// deliver counts a fault and returns its error.
func (f *faulty) deliver(fault, operation string) error {
	f.rt.FaultDelivered(fault)
	if fault == FaultRefuse {
		return fmt.Errorf("catalog: refused %s: %w", operation, persist.ErrDeterminate)
	}
	return fmt.Errorf("catalog: no answer to %s: %w", operation, persist.ErrIndeterminate)
}
