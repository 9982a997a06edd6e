package trace

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// Page is what a space-time diagram is about.
type Page struct {
	// Title names the run, Verdict says how it ended.
	Title, Verdict string
	// Failed says that the verdict is a bad one.
	Failed bool
	// Again is the command that repeats the run.
	Again string
}

//go:embed html.gohtml
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// WriteHTML writes a space-time diagram of events as one HTML file that needs nothing
// else: a column for each task, grouped by node, time from top to bottom, messages as
// arrows, faults as bands, the verdict marked; with search and filters. The page draws what
// is visible only, so 50,000 events stay usable.
func WriteHTML(w io.Writer, p Page, events []Event) error {
	data, err := json.Marshal(newDiagram(events))
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, struct {
		Page
		Data template.JS
	}{p, template.JS(data)}) //nolint:gosec // json.Marshal escapes what could end a script
}

// diagram is what the page draws. Strings are kept once, and told by their places.
type diagram struct {
	Kinds   []string  `json:"kinds"`
	Strings []string  `json:"strings"`
	Nodes   []column  `json:"nodes"`
	Lanes   []lane    `json:"lanes"`
	Events  [][]int64 `json:"events"` // step, nanoseconds, lane, kind, who, location, text, preempted
	Arrows  [][]int   `json:"arrows"` // event, event, 1 if lost
	Bands   []band    `json:"bands"`
}

// column is the range of lanes of a node.
type column struct {
	Name  string `json:"name"`
	First int    `json:"first"`
	Count int    `json:"count"`
}

// lane is a column of the picture. Tasks follow each other in it.
type lane struct {
	Node  int        `json:"node"`
	Spans []taskSpan `json:"spans"`
}

// taskSpan is the life of a task, by events.
type taskSpan struct {
	Name  string `json:"name"`
	First int    `json:"first"`
	Last  int    `json:"last"`
}

// band is a fault that lasts.
type band struct {
	Text  string `json:"text"`
	First int    `json:"first"`
	Last  int    `json:"last"`
	Nodes []int  `json:"nodes"` // none: all of them
}

func newDiagram(events []Event) *diagram {
	d := &diagram{Kinds: kindNames[:]}
	lanes := d.layOut(events)
	interned := make(map[string]int64)
	intern := func(s string) int64 {
		n, ok := interned[s]
		if !ok {
			n = int64(len(d.Strings))
			interned[s] = n
			d.Strings = append(d.Strings, s)
		}
		return n
	}
	d.Events = make([][]int64, len(events))
	for i, e := range events {
		preempted := int64(0)
		if e.Preempted {
			preempted = 1
		}
		d.Events[i] = []int64{
			int64(e.Step), int64(e.Time / time.Nanosecond), int64(lanes[i]), int64(e.Kind),
			intern(e.Who()), intern(e.Location), intern(e.what()), preempted,
		}
	}
	d.connect(events)
	d.spread(events)
	return d
}

// layOut gives each task a lane of its node, which is free again when the task has ended,
// and returns the lane of each event; -1 for the world.
func (d *diagram) layOut(events []Event) []int {
	type key struct{ node, task string }
	lives := make(map[key]*taskSpan)
	var order []key
	nodes := make(map[string]int)
	for i, e := range events {
		if _, known := nodes[e.Node]; !known && e.Node != "world" {
			nodes[e.Node] = len(d.Nodes)
			d.Nodes = append(d.Nodes, column{Name: e.Node})
		}
		k := key{e.Node, e.Task}
		if e.Task == "" {
			continue
		}
		life := lives[k]
		if life == nil {
			life = &taskSpan{Name: e.Task, First: i}
			lives[k] = life
			order = append(order, k)
		}
		life.Last = i
	}
	// Each task takes the first lane of its node that is free.
	byNode := make([][][]taskSpan, len(d.Nodes))
	local := make(map[key]int)
	for _, k := range order {
		life, n := lives[k], nodes[k.node]
		isFree := func(spans []taskSpan) bool { return spans[len(spans)-1].Last < life.First }
		free := slices.IndexFunc(byNode[n], isFree)
		if free < 0 {
			free = len(byNode[n])
			byNode[n] = append(byNode[n], nil)
		}
		byNode[n][free] = append(byNode[n][free], *life)
		local[k] = free
	}
	for n := range d.Nodes {
		d.Nodes[n].First, d.Nodes[n].Count = len(d.Lanes), max(len(byNode[n]), 1)
		for i := range d.Nodes[n].Count {
			l := lane{Node: n}
			if i < len(byNode[n]) {
				l.Spans = byNode[n][i]
			}
			d.Lanes = append(d.Lanes, l)
		}
	}
	lanes := make([]int, len(events))
	for i, e := range events {
		n, known := nodes[e.Node]
		switch {
		case !known:
			lanes[i] = -1
		case e.Task == "":
			lanes[i] = d.Nodes[n].First
		default:
			lanes[i] = d.Nodes[n].First + local[key{e.Node, e.Task}]
		}
	}
	return lanes
}

// connect draws an arrow for each message that arrives or is lost.
func (d *diagram) connect(events []Event) {
	d.Arrows = [][]int{}
	sent := make(map[uint64]int)
	for i, e := range events {
		switch e.Kind {
		case Send:
			sent[e.Message] = i
		case Deliver, Drop:
			if from, ok := sent[e.Message]; ok {
				lost := 0
				if e.Kind == Drop {
					lost = 1
				}
				d.Arrows = append(d.Arrows, []int{from, i, lost})
			}
		}
	}
}

// spread draws a band for each fault that lasts.
func (d *diagram) spread(events []Event) {
	d.Bands = []band{}
	open := make(map[uint64]int)
	for i, e := range events {
		switch {
		case e.Kind == Fault && e.Message != 0:
			open[e.Message] = len(d.Bands)
			d.Bands = append(d.Bands, band{Text: e.Text, First: i, Last: len(events) - 1, Nodes: d.named(e.Peer)})
		case e.Kind == FaultEnd:
			if b, ok := open[e.Message]; ok {
				d.Bands[b].Last = i
			}
		}
	}
}

// named returns the nodes whose names stand in the target of a fault.
func (d *diagram) named(target string) []int {
	found := []int{}
	for _, name := range strings.FieldsFunc(target, func(r rune) bool { return strings.ContainsRune("+|>", r) }) {
		n := slices.IndexFunc(d.Nodes, func(c column) bool { return c.Name == name })
		if n >= 0 && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	return found
}
