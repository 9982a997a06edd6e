package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place is where a deviation can be: what it is, apart from what was chosen.
type place struct {
	task  string
	site  string // empty for a switch
	point uint64
	round int
}

func (d Deviation) place() place {
	if d.Kind == Drawn {
		return place{task: d.Task, site: d.Site, point: d.Point}
	}
	return place{task: d.Task, point: d.Point, round: d.Round}
}

// places counts how often which place was reached.
type places struct {
	kernel *kernel
	names  map[*task]string
	draws  map[place]uint64
}

func newPlaces(k *kernel) places {
	return places{kernel: k, names: make(map[*task]string), draws: make(map[place]uint64)}
}

// name returns the name of a task that is the same in each run.
func (p *places) name(t *task) string {
	if t == nil {
		return ""
	}
	name, ok := p.names[t]
	if !ok {
		name = t.runtime.Path()
		if node := t.life.node; node.name != "" {
			name = node.name + "/" + name
		}
		if n := t.life.runtime.Incarnation(); n > 1 {
			name += fmt.Sprintf("@%d", n)
		}
		p.names[t] = name
	}
	return name
}

// decision returns the place of the decision at hand.
func (p *places) decision() place {
	at := place{round: p.kernel.round}
	if t := p.kernel.cur; t != nil {
		at.task, at.point = p.name(t), t.points
	}
	return at
}

// draw returns the place of a draw.
func (p *places) draw(stream, site string) place {
	at := place{task: p.name(p.kernel.current()), site: stream + " " + site}
	p.draws[at]++
	count := p.draws[at]
	at.point = count
	return at
}

const alarmName = "alarm "

// candidate returns the name of candidate i.
func (p *places) candidate(i int, stay bool) string {
	if t := p.kernel.candidate(i, stay); t != nil {
		return p.name(t)
	}
	first := len(p.kernel.runnable)
	if stay {
		first++
	}
	return alarmName + strconv.Itoa(i-first)
}

// find returns the candidate of a name; 0 and false if it is not among them.
func (p *places) find(name string, d *Decision) (int, bool) {
	if number, isAlarm := strings.CutPrefix(name, alarmName); isAlarm {
		n, err := strconv.Atoi(number)
		first := len(p.kernel.runnable)
		if d.stay {
			first++
		}
		return first + n, err == nil && n >= 0 && first+n < d.n
	}
	for i := range d.n {
		if t := p.kernel.candidate(i, d.stay); t != nil && p.name(t) == name {
			return i, true
		}
	}
	return 0, false
}

// scribe is a strategy that writes down what another one does.
type scribe struct {
	inner   Strategy
	places  places
	script  *Script
	chances int             // how many of them to write down
	numbers map[Number]bool // that were written down, without their values
}

// Pick implements [Strategy].
func (s *scribe) Pick(d *Decision) int {
	at := s.places.decision()
	i := s.inner.Pick(d)
	kind := Order
	if d.stay {
		kind = Preemption
	}
	switchTo := func(i int) Deviation {
		return Deviation{Kind: kind, Task: at.task, Point: at.point, Round: at.round, To: s.places.candidate(i, d.stay)}
	}
	if i > 0 && i < d.n {
		s.script.Deviations = append(s.script.Deviations, switchTo(i))
	}
	for other := 1; other < d.n && i == 0 && len(s.script.Chances) < s.chances; other++ {
		s.script.Chances = append(s.script.Chances, switchTo(other))
	}
	return i
}

// Draw implements [Strategy].
func (s *scribe) Draw(stream, site string, n int) int {
	at := s.places.draw(stream, site)
	i := s.inner.Draw(stream, site, n)
	if i > 0 && i < n {
		s.script.Deviations = append(s.script.Deviations, Deviation{
			Kind: Drawn, Task: at.task, Point: at.point, Site: at.site, Pick: i, Of: n,
		})
	}
	return i
}

// delivered notes a fault.
func (s *scribe) delivered(f Fault) {
	at := s.places.decision()
	s.script.Deviations = append(s.script.Deviations, Deviation{
		Kind: Delivered, Task: at.task, Point: at.point, Round: at.round, Site: f.String(),
	})
}

// guide is the strategy that follows a script: the default everywhere else.
type guide struct {
	places   places
	switches map[place]Deviation
	draws    map[place]Deviation
	faults   []Deviation // to be delivered
	script   *Script
	unfit    map[Deviation]bool // those whose place was reached, and that could not be followed
	limits   map[Number]uint64
}

func newGuide(k *kernel, s *Script) *guide {
	g := &guide{
		places: newPlaces(k), switches: make(map[place]Deviation), draws: make(map[place]Deviation),
		script: s, unfit: make(map[Deviation]bool),
		limits: make(map[Number]uint64),
	}
	for _, n := range s.Limits {
		g.limits[n.place()] = n.Value
	}
	for _, d := range s.Deviations {
		switch d.Kind {
		case Drawn:
			g.draws[d.place()] = d
		case Delivered:
			g.faults = append(g.faults, d)
		default:
			g.switches[d.place()] = d
		}
	}
	return g
}

// Pick implements [Strategy].
func (g *guide) Pick(d *Decision) int {
	at := g.places.decision()
	wanted, ok := g.switches[at]
	if !ok {
		return 0
	}
	delete(g.switches, at)
	i, ok := g.places.find(wanted.To, d)
	if !ok {
		g.unfit[wanted] = true
		return 0
	}
	return i
}

// Draw implements [Strategy].
func (g *guide) Draw(stream, site string, n int) int {
	at := g.places.draw(stream, site)
	wanted, ok := g.draws[at]
	if !ok {
		return 0
	}
	delete(g.draws, at)
	if wanted.Pick >= n {
		g.unfit[wanted] = true
		return 0
	}
	return wanted.Pick
}

// due returns the place among the planned faults of the next one that is to be
// delivered now.
func (g *guide) due(planned []Fault) (int, bool) {
	at := g.places.decision()
	for i, d := range g.faults {
		if d.Task != at.task || d.Point > at.point || d.Point == at.point && d.Round > at.round {
			continue
		}
		for j, f := range planned {
			if f.String() == d.Site {
				g.faults = append(g.faults[:i:i], g.faults[i+1:]...)
				return j, true
			}
		}
	}
	return 0, false
}

// left returns the deviations that could not be followed, in the order of the script:
// what they wanted was not there, or nobody has come to their place.
func (g *guide) left() (left []Deviation) {
	for _, d := range g.script.Deviations {
		isLeft := g.unfit[d]
		switch d.Kind {
		case Drawn:
			_, waits := g.draws[d.place()]
			isLeft = isLeft || waits
		case Delivered:
			isLeft = slices.Contains(g.faults, d)
		default:
			_, waits := g.switches[d.place()]
			isLeft = isLeft || waits
		}
		if isLeft {
			left = append(left, d)
		}
	}
	return left
}
