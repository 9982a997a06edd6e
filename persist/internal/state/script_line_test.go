package state_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
)

// line is the line of a script that is being run.
type line struct {
	t *testing.T
	d *datadriven.TestData
}

func (l line) Helper() { l.t.Helper() }

func (l line) Fatalf(format string, args ...any) {
	l.t.Helper()
	l.d.Fatalf(l.t, format, args...)
}

func (l line) text(key, otherwise string) string {
	if arg, ok := l.d.Arg(key); ok {
		return arg.SingleVal(l.t)
	}
	return otherwise
}

func (l line) uint(key string, otherwise uint64) uint64 {
	if arg, ok := l.d.Arg(key); ok {
		return l.parseUint(arg.SingleVal(l.t))
	}
	return otherwise
}

func (l line) parseUint(text string) uint64 {
	if text == "max" {
		return math.MaxUint64
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		l.Fatalf("%v", err)
	}
	return n
}

// frontier is a time, or {}.
func (l line) frontier(key string) frontier.Antichain {
	arg, ok := l.d.Arg(key)
	if !ok {
		l.Fatalf("missing argument: %s", key)
	}
	return l.parseFrontier(arg.SingleVal(l.t))
}

func (l line) parseFrontier(text string) frontier.Antichain {
	if text == "{}" {
		return frontier.Empty()
	}
	return frontier.At(l.parseUint(text))
}

func (l line) updates() (updates []part.Update) {
	for text := range strings.Lines(l.d.Input) {
		fields := strings.Fields(text)
		if len(fields) != 3 {
			l.Fatalf("an update is: row time diff")
		}
		diff, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			l.Fatalf("%v", err)
		}
		updates = append(updates, part.Update{Row: []byte(fields[0]), Time: l.parseUint(fields[1]), Diff: diff})
	}
	return updates
}
