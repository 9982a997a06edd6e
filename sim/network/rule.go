package network

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Effect is what becomes of a message.
type Effect string

// The effects.
const (
	// Drop loses the message.
	Drop Effect = "drop"
	// Duplicate delivers it a second time: about as soon as the first, or up to Max
	// later, which may be long after all answers.
	Duplicate Effect = "duplicate"
	// Delay delivers it up to Max later than its latency would.
	Delay Effect = "delay"
)

var effects = []Effect{Drop, Duplicate, Delay}

// Rule lets something happen to some messages: to one in so many, or to the n-th.
type Rule struct {
	Effect Effect
	// OneIn is the average number of matching messages for one fault; at least 2,
	// because a choice of 0 has to mean that nothing bad happens. It is 0 if Nth is
	// given.
	OneIn int
	// Nth is which of the matching messages, from 1; 0 if OneIn is given.
	Nth int
	// Max is the longest delay; needed for Delay, allowed for Duplicate.
	Max time.Duration
	// From, To and Kind restrict the rule; empty matches all.
	From, To, Kind string
}

// Rules are tried one after the other on each message; several may hit it.
type Rules []Rule

// Validate returns the first thing that is wrong with the rules. The error wraps
// ErrNetwork.
func (rs Rules) Validate() error {
	for _, r := range rs {
		if err := r.validate(); err != nil {
			return fmt.Errorf("%w: rule %q: %w", ErrNetwork, r, err)
		}
	}
	return nil
}

func (r Rule) validate() error {
	switch {
	case !slices.Contains(effects, r.Effect):
		return fmt.Errorf("unknown effect %q", r.Effect)
	case r.Nth == 0 && r.OneIn < 2 || r.Nth != 0 && r.OneIn != 0 || r.Nth < 0:
		return errors.New("how often is 1/N, N at least 2, or #N, N at least 1")
	case r.Max < 0 || r.Effect == Delay && r.Max == 0 || r.Effect == Drop && r.Max != 0:
		return fmt.Errorf("a %s of %v", r.Effect, r.Max)
	}
	for _, name := range []string{r.From, r.To, r.Kind} {
		if strings.ContainsAny(name, "; \t\r\n") {
			return fmt.Errorf("name %q with a separator in it", name)
		}
	}
	return nil
}

func (r Rule) matches(from, to, kind string) bool {
	return (r.From == "" || r.From == from) && (r.To == "" || r.To == to) && (r.Kind == "" || r.Kind == kind)
}

// String returns the text form of a rule: "delay 1/10 2s from=n1 kind=vote".
func (r Rule) String() string {
	text := fmt.Sprintf("%s 1/%d", r.Effect, r.OneIn)
	if r.Nth != 0 {
		text = fmt.Sprintf("%s #%d", r.Effect, r.Nth)
	}
	if r.Max != 0 {
		text += " " + r.Max.String()
	}
	for _, p := range []struct{ name, value string }{{"from", r.From}, {"to", r.To}, {"kind", r.Kind}} {
		if p.value != "" {
			text += " " + p.name + "=" + p.value
		}
	}
	return text
}

// String returns the text form, which ParseRules reads.
func (rs Rules) String() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.String()
	}
	return strings.Join(texts, "; ")
}

// ParseRules reads the text form of rules. An empty text holds none. The error wraps
// ErrNetwork.
func ParseRules(text string) (Rules, error) {
	var rules Rules
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		r, err := parseRule(words)
		if err != nil {
			return nil, fmt.Errorf("%w: rule %q: %w", ErrNetwork, strings.TrimSpace(part), err)
		}
		rules = append(rules, r)
	}
	return rules, rules.Validate()
}

func parseRule(words []string) (Rule, error) {
	if len(words) < 2 {
		return Rule{}, errors.New("a rule is EFFECT 1/N|#N [DURATION] [from=NODE] [to=NODE] [kind=KIND]")
	}
	r := Rule{Effect: Effect(words[0])}
	if err := r.parseChance(words[1]); err != nil {
		return Rule{}, err
	}
	for _, word := range words[2:] {
		if err := r.parseWord(word); err != nil {
			return Rule{}, err
		}
	}
	return r, nil
}

func (r *Rule) parseChance(word string) error {
	into, number := &r.OneIn, ""
	if n, ok := strings.CutPrefix(word, "1/"); ok {
		number = n
	} else if n, ok := strings.CutPrefix(word, "#"); ok {
		into, number = &r.Nth, n
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%q is neither 1/N nor #N", word)
	}
	*into = n
	return nil
}

func (r *Rule) parseWord(word string) error {
	name, value, isPair := strings.Cut(word, "=")
	into, known := map[string]*string{"from": &r.From, "to": &r.To, "kind": &r.Kind}[name]
	switch {
	case isPair && known && *into == "" && value != "":
		*into = value
		return nil
	case !isPair && r.Max == 0:
		d, err := time.ParseDuration(word)
		if err == nil {
			r.Max = d
			return nil
		}
	}
	return fmt.Errorf("%q is neither a duration nor from=, to= or kind=", word)
}
