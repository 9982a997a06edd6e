package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/tidemarkdb/tidemark/sim/trace"
)

// telling is a story in one of its forms.
type telling struct {
	flags  *replayFlags
	out    io.Writer
	file   *os.File
	text   *trace.Story
	lines  *json.Encoder
	tail   *trace.Tail
	events []trace.Event // for a picture
	err    error
}

// newTelling opens what the story is written to.
func (e *environment) newTelling(f *replayFlags) (*telling, error) {
	t := &telling{flags: f, out: e.out, tail: trace.NewTail(f.last)}
	if f.file != "" {
		file, err := os.Create(f.file)
		if err != nil {
			return nil, err
		}
		t.out, t.file = file, file
	}
	t.text = trace.NewStory(t.out)
	t.lines = json.NewEncoder(t.out)
	t.lines.SetEscapeHTML(false)
	return t, nil
}

// add takes an event of the run.
func (t *telling) add(e trace.Event) {
	switch {
	case t.flags.until != 0 && e.Step > t.flags.until:
	case t.flags.last > 0:
		t.tail.Add(e)
	default:
		t.tell(e)
	}
}

func (t *telling) tell(e trace.Event) {
	switch t.flags.as {
	case "html":
		t.events = append(t.events, e)
	case "jsonl":
		if t.err == nil {
			t.err = t.lines.Encode(eventLine{
				1, e.Step, int64(e.Time), e.Node, e.Task, e.Kind.String(), e.Text, e.Location,
				e.Preempted, e.Message, e.Peer,
			})
		}
	default:
		t.text.Add(e)
	}
}

// eventLine is an event as a line of JSON.
type eventLine struct {
	Version   int    `json:"v"`
	Step      uint64 `json:"step"`
	Time      int64  `json:"time_ns"`
	Node      string `json:"node"`
	Task      string `json:"task"`
	Kind      string `json:"kind"`
	Text      string `json:"text"`
	Location  string `json:"location"`
	Preempted bool   `json:"preempted"`
	Message   uint64 `json:"message"`
	Peer      string `json:"peer"`
}

// end writes what is left, and closes the file.
func (t *telling) end(p trace.Page) error {
	for _, e := range t.tail.Events() {
		t.tell(e)
	}
	if t.flags.as == "html" {
		t.err = errors.Join(t.err, trace.WriteHTML(t.out, p, t.events))
	}
	t.err = errors.Join(t.err, t.text.Err())
	if t.file != nil {
		t.err = errors.Join(t.err, t.file.Close())
	}
	return t.err
}
