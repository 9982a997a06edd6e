package state

import (
	"fmt"
	"strings"
)

// describer is what a field contributes to the texts of states and diffs.
type describer interface {
	describe(s *State) string
	describeChange(diff *Diff) string
}

// String returns the state for people to read, one entry a line. It leaves out
// what is zero, and never shows the contents of rows.
func (s *State) String() string {
	var text strings.Builder
	text.WriteString(s.header.String())
	fmt.Fprintf(&text, "upper: %v\n", s.Upper())
	for _, field := range fields {
		text.WriteString(field.describe(s))
	}
	return text.String()
}

// String returns the diff for people to read, one change a line: + is an insert,
// - a delete and ~ an update. It never shows the contents of rows.
func (d *Diff) String() string {
	var text strings.Builder
	text.WriteString(d.Header.String())
	for _, field := range fields {
		text.WriteString(field.describeChange(d))
	}
	return text.String()
}

// String returns the header in one line.
func (h Header) String() string {
	return fmt.Sprintf("%v of %v at %d ms by %s, format %d\n", h.SeqNo, h.Shard, h.WalltimeMS, h.Hostname, h.Version)
}

func (f *single[T]) describe(s *State) string {
	var zero T
	if v := *f.inState(s); v != zero {
		return fmt.Sprintf("%s: %v\n", f.label, v)
	}
	return ""
}

func (f *single[T]) describeChange(diff *Diff) string {
	if change := *f.inDiff(diff); change != nil {
		return fmt.Sprintf("%s: %v -> %v\n", f.label, change.Old, change.New)
	}
	return ""
}

func (f *table[K, V, M]) describe(s *State) string {
	var text strings.Builder
	for k, v := range (*f.inState(s)).Shared() {
		fmt.Fprintf(&text, "%s %v: %v\n", f.label, k, *v)
	}
	return text.String()
}

func (f *table[K, V, M]) describeChange(diff *Diff) string {
	var text strings.Builder
	for _, m := range *f.inDiff(diff) {
		switch {
		case m.Old == nil && m.New == nil: // no diff that was made here has one
		case m.Old == nil:
			fmt.Fprintf(&text, "%s + %v: %v\n", f.label, m.Key, *m.New)
		case m.New == nil:
			fmt.Fprintf(&text, "%s - %v: %v\n", f.label, m.Key, *m.Old)
		default:
			fmt.Fprintf(&text, "%s ~ %v: %v -> %v\n", f.label, m.Key, *m.Old, *m.New)
		}
	}
	return text.String()
}
