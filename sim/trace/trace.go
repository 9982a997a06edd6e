package trace

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind says what an event is about.
type Kind uint8

// The kinds of events.
const (
	Op       Kind = iota // a task carries out an operation
	Wait                 // a task starts to wait
	Start                // a task starts
	End                  // a task has ended
	Choice               // a choice other than 0
	Log                  // a log record
	Fault                // a fault was delivered
	World                // something happened to a node
	Verdict              // the run ended
	Send                 // a message leaves a node
	Deliver              // a message arrives at a node
	Drop                 // a message is lost
	FaultEnd             // a fault is over
)

var kindNames = [...]string{
	"op", "wait", "start", "end", "choice", "log", "fault", "world", "verdict", "send", "deliver", "drop", "fault-end",
}

// String returns the name used in filters.
func (k Kind) String() string { return kindNames[k] }

// Event is one thing that happened.
type Event struct {
	// Step numbers the decisions of the scheduler, from 1.
	Step uint64
	// Time is virtual time since the start of the run.
	Time time.Duration
	// Node and Task say who. Node is empty for the harness, and "world", with
	// no task, for the world itself.
	Node, Task string
	Kind       Kind
	// Text says what, on which object, with which details.
	Text string
	// Location is the file and line of the program, "bank/account.go:31".
	Location string
	// Preempted is set on the first event of a task that took the processor
	// from one that could have gone on.
	Preempted bool
	// Stopped is, on such an event, the task that lost the processor.
	Stopped Stop
	// Message is the number of a message or of a planned fault, the same for each of
	// its events, and Peer the node at the other end, or what the fault hits; 0 and
	// empty for other events.
	Message uint64
	Peer    string
}

// Stop is where a task was preempted; the zero value is nowhere.
type Stop struct {
	// Node and Task say who.
	Node, Task string
	// Text is the operation that it was about to carry out, Location its file and line.
	Text, Location string
}

// Who returns node and task in one word.
func (e Event) Who() string { return who(e.Node, e.Task) }

// Who returns node and task in one word.
func (s Stop) Who() string { return who(s.Node, s.Task) }

func who(node, task string) string {
	switch {
	case node == "":
		return task
	case task == "":
		return node
	}
	return node + "/" + task
}

// what returns the text with a word for the kind where the text has none.
func (e Event) what() string {
	switch e.Kind {
	case Wait:
		return "waits: " + e.Text
	case Choice, Fault, Verdict, Drop:
		return strings.ToUpper(e.Kind.String()) + " " + e.Text
	}
	return e.Text
}

// Sink takes the events of a run, in order, from one goroutine.
type Sink func(Event)

// Story writes events as lines: step, virtual time, who, where, what. A line
// that begins with ">" comes after a preemption.
type Story struct {
	w     io.Writer
	who   int
	where int
	err   error
}

// NewStory returns a story that writes to w.
func NewStory(w io.Writer) *Story { return &Story{w: w, who: 14, where: 22} }

// Fit makes the columns wide enough for events that are known beforehand.
func (s *Story) Fit(events ...Event) {
	for _, e := range events {
		s.who = max(s.who, utf8.RuneCountInString(e.Who()))
		s.where = max(s.where, utf8.RuneCountInString(e.Location))
	}
}

// Add writes one event; columns that are too narrow become wider. The first error of the writer ends the writing; Err
// returns it.
func (s *Story) Add(e Event) {
	if s.err != nil {
		return
	}
	s.Fit(e)
	mark := " "
	if e.Preempted {
		mark = ">"
	}
	line := fmt.Sprintf("%s%6d %12s  %-*s  %-*s  %s",
		mark, e.Step, seconds(e.Time), s.who, e.Who(), s.where, e.Location,
		e.what())
	_, s.err = fmt.Fprintln(s.w, strings.TrimRight(line, " "))
}

// Err returns the first error of the writer.
func (s *Story) Err() error { return s.err }

func seconds(d time.Duration) string {
	return fmt.Sprintf("+%d.%06ds", d/time.Second, d%time.Second/time.Microsecond)
}

// Tail keeps the last events.
type Tail struct {
	limit  int
	events []Event
	next   int // the oldest event, once there are too many
	total  int
}

// NewTail returns a tail of at most n events, n at least 1.
func NewTail(n int) *Tail { return &Tail{limit: max(n, 1)} }

// Add takes one event.
func (t *Tail) Add(e Event) {
	t.total++
	if len(t.events) < t.limit {
		t.events = append(t.events, e)
		return
	}
	t.events[t.next] = e
	t.next = (t.next + 1) % t.limit
}

// Total returns how many events were added.
func (t *Tail) Total() int { return t.total }

// Events returns those that were kept, oldest first.
func (t *Tail) Events() []Event {
	all := make([]Event, 0, len(t.events))
	all = append(all, t.events[t.next:]...)
	return append(all, t.events[:t.next]...)
}
