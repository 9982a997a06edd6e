package sim

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrStrategy is wrapped by every [*StrategyError].
var ErrStrategy = errors.New("sim: strategy")

// StrategyError says why a text is not the name of a strategy.
type StrategyError struct {
	Text   string // as it was given
	Reason string
}

// Error says what is wrong, and what there is.
func (e *StrategyError) Error() string {
	return fmt.Sprintf("%v %q: %s; there are %s", ErrStrategy, e.Text, e.Reason, strategyForms)
}

// Unwrap returns [ErrStrategy].
func (e *StrategyError) Unwrap() error { return ErrStrategy }

const (
	strategyForms = "random, sticky[:0.9], pct[:3][:interesting|:resources][:steps=1000], " +
		"pos[:after=12], portfolio[:random,pos,...]"
	stickyDefault = 0.9
	depthDefault  = 3
	depthMax      = 1000
)

// ParseStrategy returns the strategies that a text names, such as "pct:3":
//
//	random                 [Random]
//	sticky:0.9             [Sticky]; the number may be left out
//	pct:3                  [PCT], changes before any operation; the depth may be left out
//	pct:3:interesting      the same, changes at [InterestingPoints] only
//	pct:3:resources        the same, changes at [ResourcePoints] only
//	pct:3:steps=1000       the same, for that many decisions that count
//	pos                    [POS]
//	pos:after=12           [POSAfter] that many random decisions
//	portfolio              [Portfolio]
//	portfolio:pos,pct:2    the same, of these members
//
// Each strategy that it makes for a seed has a method String, and ParseStrategy of
// that gives the same run under that seed; a portfolio's tells the member. The error
// is a [*StrategyError].
func ParseStrategy(text string) (func(seed uint64) Strategy, error) {
	name, rest, more := strings.Cut(text, ":")
	strategy, reason := parseStrategy(name, rest, more)
	if reason != "" {
		return nil, &StrategyError{Text: text, Reason: reason}
	}
	return strategy, nil
}

// parseStrategy also gives the reason if there is no such strategy.
func parseStrategy(name, rest string, more bool) (strategy func(uint64) Strategy, reason string) {
	switch name {
	case "random":
		if more {
			return nil, "random takes nothing"
		}
		return Random, ""
	case "pos":
		return parsePOS(rest, more)
	case "sticky":
		return parseSticky(rest, more)
	case "pct":
		return parsePCT(rest, more)
	case "portfolio":
		return parsePortfolio(rest, more)
	}
	return nil, "unknown"
}

func parseSticky(rest string, more bool) (func(uint64) Strategy, string) {
	stay := stickyDefault
	if more {
		var err error
		if stay, err = strconv.ParseFloat(rest, 64); err != nil || math.IsNaN(stay) || stay < 0 || stay > StickyMax {
			return nil, fmt.Sprintf("%q is not a probability between 0 and %v", rest, StickyMax)
		}
	}
	return Sticky(stay), ""
}

func parsePOS(rest string, more bool) (func(uint64) Strategy, string) {
	if !more {
		return POS, ""
	}
	after, ok := strings.CutPrefix(rest, "after=")
	decisions, err := strconv.ParseUint(after, 10, 63)
	if !ok || err != nil {
		return nil, fmt.Sprintf("pos does not take %q there", rest)
	}
	return POSAfter(decisions), ""
}

func parsePCT(rest string, more bool) (func(uint64) Strategy, string) {
	depth, config := depthDefault, PCTConfig{}
	for first := true; more; first = false {
		var part string
		part, rest, more = strings.Cut(rest, ":")
		steps, isSteps := strings.CutPrefix(part, "steps=")
		var err error
		switch {
		case first && part != "" && strings.Trim(part, "0123456789") == "":
			if depth, err = strconv.Atoi(part); err != nil || depth < 1 || depth > depthMax {
				return nil, fmt.Sprintf("%q is not a depth between 1 and %d", part, depthMax)
			}
		case part == "interesting" && config.Points == AllPoints:
			config.Points = InterestingPoints
		case part == "resources" && config.Points == AllPoints:
			config.Points = ResourcePoints
		case isSteps && config.Steps == 0:
			if config.Steps, err = strconv.ParseUint(steps, 10, 63); err != nil || config.Steps == 0 {
				return nil, fmt.Sprintf("%q is not a number of steps", steps)
			}
		default:
			return nil, fmt.Sprintf("pct does not take %q there", part)
		}
	}
	return PCT(depth, config), ""
}

func parsePortfolio(rest string, more bool) (func(uint64) Strategy, string) {
	if !more {
		return Portfolio(), ""
	}
	var members []func(uint64) Strategy
	for text := range strings.SplitSeq(rest, ",") {
		name, arguments, has := strings.Cut(text, ":")
		if name == "portfolio" {
			return nil, "a portfolio within a portfolio"
		}
		member, reason := parseStrategy(name, arguments, has)
		if reason != "" {
			return nil, fmt.Sprintf("member %q: %s", text, reason)
		}
		members = append(members, member)
	}
	return Portfolio(members...), ""
}
