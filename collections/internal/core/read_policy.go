package core

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemarkdb/tidemark/frontier"
)

// ReadPolicy says from which frontier on a collection wants to stay readable,
// given its upper. It knows nothing of holds, which may keep more. A collection
// gives up history as its policy asks and never gets it back: a policy that asks
// for an earlier frontier than one given up takes effect when its time has come.
//
// Policies are a closed set, made by [NoPolicy], [ValidFrom], [StepBack], [LagBy]
// and [Multiple]. They are immutable values without hidden inputs such as a
// clock; compare them with [ReadPolicy.Equal], not with ==. All methods are safe
// for concurrent use. The zero value is NoPolicy at {0}, which keeps everything.
type ReadPolicy struct {
	terms *policyTerms // nil in the zero value
}

type policyTerms struct {
	kind        policyKind
	constant    frontier.Antichain // of noPolicy and validFrom
	lag         uint64             // of lagBy
	granularity uint64             // of lagBy, at least 1
	members     []ReadPolicy       // of multiple, at least one
}

type policyKind uint8

const (
	noPolicy policyKind = iota
	validFrom
	stepBack
	lagBy
	multiple
)

// zeroTerms are what the zero value of ReadPolicy means.
var zeroTerms = policyTerms{kind: noPolicy}

// ErrInvalidPolicy says that the arguments of a policy make no sense.
var ErrInvalidPolicy = errors.New("invalid read policy")

// NoPolicy returns the policy of a collection about which nobody has decided: it
// asks for the initial frontier, whatever the upper is.
func NoPolicy(initial frontier.Antichain) ReadPolicy {
	return ReadPolicy{&policyTerms{kind: noPolicy, constant: initial}}
}

// ValidFrom returns the policy that asks for the given frontier, whatever the
// upper is. It may lie beyond the upper: nothing is readable then until the upper
// has passed it. ValidFrom {} gives up the collection for good, as a drop does.
func ValidFrom(since frontier.Antichain) ReadPolicy {
	return ReadPolicy{&policyTerms{kind: validFrom, constant: since}}
}

// StepBack returns the policy that asks for the last complete time: one before
// the upper, or 0.
func StepBack() ReadPolicy {
	return ReadPolicy{&policyTerms{kind: stepBack}}
}

// LagBy returns the policy that asks for lag before the upper, rounded down to a
// multiple of the granularity, or of the lag if that is less. The effective lag
// is thus at least lag and less than lag + granularity; the rounding makes the
// frontier, which has to be stored, move only once per granularity.
//
// With a lag of 0 the frontier equals the upper: without a hold no time at all is
// readable. A granularity of 0 gives an error that is [ErrInvalidPolicy].
func LagBy(lag, granularity uint64) (ReadPolicy, error) {
	if granularity == 0 {
		return ReadPolicy{}, fmt.Errorf("%w: lag by %d with granularity 0", ErrInvalidPolicy, lag)
	}
	return ReadPolicy{&policyTerms{kind: lagBy, lag: lag, granularity: granularity}}, nil
}

// Multiple returns the policy that asks for the earliest of what the given
// policies ask for. There must be one: without, the error is [ErrInvalidPolicy].
func Multiple(policies ...ReadPolicy) (ReadPolicy, error) {
	if len(policies) == 0 {
		return ReadPolicy{}, fmt.Errorf("%w: multiple of nothing", ErrInvalidPolicy)
	}
	return ReadPolicy{&policyTerms{kind: multiple, members: slices.Clone(policies)}}, nil
}

// Frontier returns what the policy asks for when the upper is where it is.
//
// Where the upper is {}, policies that follow it ask for what there is to be
// kept: a collection that has come to its end must stay readable. isKept is true
// then, and wanted is {0}, which no collection is moved to by [Core]. Where the
// upper is not {}, isKept is false and wanted never goes back as the upper moves on.
func (p ReadPolicy) Frontier(upper frontier.Antichain) (wanted frontier.Antichain, isKept bool) {
	terms := p.get()
	switch terms.kind {
	case stepBack:
		last, isSealed := lastTime(upper)
		previous, _ := frontier.StepBack(last)
		return frontier.At(previous), isSealed
	case lagBy:
		last, isSealed := lastTime(upper)
		return frontier.At(terms.lagBehind(last)), isSealed
	case multiple:
		return terms.earliest(upper)
	default:
		return terms.constant, false
	}
}

// lastTime returns the time of the upper. If there is none, isSealed is true and
// the time is 0, for which policies that follow the upper answer {0}.
func lastTime(upper frontier.Antichain) (t uint64, isSealed bool) {
	t, ok := upper.Time()
	return t, !ok
}

func (p *policyTerms) lagBehind(upper uint64) uint64 {
	t := frontier.SaturatingSub(upper, p.lag)
	if p.lag == 0 {
		return t
	}
	return t - t%min(p.lag, p.granularity)
}

func (p *policyTerms) earliest(upper frontier.Antichain) (wanted frontier.Antichain, isKept bool) {
	wanted = frontier.Empty()
	for _, member := range p.members {
		asked, keeps := member.Frontier(upper)
		wanted, isKept = wanted.Meet(asked), isKept || keeps
	}
	return wanted, isKept
}

// Equal reports whether both policies are made in the same way.
func (p ReadPolicy) Equal(other ReadPolicy) bool {
	a, b := p.get(), other.get()
	return a.kind == b.kind && a.constant == b.constant && a.lag == b.lag && a.granularity == b.granularity &&
		slices.EqualFunc(a.members, b.members, ReadPolicy.Equal)
}

// String returns how the policy is made, as in "Multiple(ValidFrom({5}), StepBack())".
func (p ReadPolicy) String() string {
	terms := p.get()
	switch terms.kind {
	case validFrom:
		return fmt.Sprintf("ValidFrom(%v)", terms.constant)
	case stepBack:
		return "StepBack()"
	case lagBy:
		return fmt.Sprintf("LagBy(%d, %d)", terms.lag, terms.granularity)
	case multiple:
		members := make([]string, len(terms.members))
		for i, member := range terms.members {
			members[i] = member.String()
		}
		return "Multiple(" + strings.Join(members, ", ") + ")"
	default:
		return fmt.Sprintf("NoPolicy(%v)", terms.constant)
	}
}

func (p ReadPolicy) get() *policyTerms {
	if p.terms == nil {
		return &zeroTerms
	}
	return p.terms
}
