package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
)

// report is what a person sees. Tasks may use it at the same time.
type report struct {
	rt      *runtime.Runtime
	started time.Time
	plan    plan
	mu      *runtime.Mutex // guards out, so that lines stay together
	out     io.Writer
}

func newReport(rt *runtime.Runtime, started time.Time, p plan, out io.Writer) *report {
	return &report{rt: rt, started: started, plan: p, mu: rt.NewMutex(), out: out}
}

func (r *report) print(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.out, text)
}

const progressFormat = "%-17s %-20s %-20s %s"

// opening says what is going to happen.
func (r *report) opening(from *repository, hasOlder bool) {
	p := r.plan
	var b strings.Builder
	fmt.Fprintf(&b, "repository  %s, %s at %s\n", from.directory, from.head(), p.commits[len(p.commits)-1].short())
	fmt.Fprintf(&b, "history     %s along first parents, at %s, %s to %s UTC\n",
		plural(len(p.commits), "commit"), plural(len(p.steps), "time"),
		formatTime(p.steps[0].time), formatTime(p.steps[len(p.steps)-1].time))
	for _, note := range p.notes(from.isShallow, hasOlder) {
		fmt.Fprintf(&b, "            %s\n", note)
	}
	fmt.Fprintf(&b, "policy      the latest %s stay readable (--lag), in steps of %s\n",
		formatDuration(p.lag), formatDuration(p.granularity))
	fmt.Fprintf(&b, "hold        %s stays readable (--as-of), when commit %s is the latest\n\n",
		formatTime(p.asOf), p.commits[p.steps[p.target].last].short())
	fmt.Fprintf(&b, progressFormat, "commits", "upper", "since by policy", "since under hold")
	r.print(b.String())
}

// notes say what is missing from the history, and what was made of the date.
func (p plan) notes(isShallow, hasOlder bool) (notes []string) {
	whole := p.commits[0].short() + " inserts its whole tree"
	switch {
	case hasOlder:
		notes = append(notes, "older commits are left out (--limit): "+whole)
	case isShallow:
		notes = append(notes, "the clone is SHALLOW, older commits are missing: "+whole)
	}
	if hasOlder && isShallow {
		notes = append(notes, "the clone is SHALLOW, still older ones are missing")
	}
	if p.isClipped {
		notes = append(notes, "the date asked for is after the last commit, and is moved there")
	}
	return notes
}

// progress says where the collection is.
func (r *report) progress(loaded int, now collections.CollectionInspection) {
	r.print(fmt.Sprintf(progressFormat, formatCount(loaded)+" of "+formatCount(len(r.plan.commits)),
		r.frontier(now.Upper), r.frontier(now.Implied), r.frontier(now.Read)))
}

// frontier writes a frontier as a date.
func (r *report) frontier(f frontier.Antichain) string {
	t, ok := f.Time()
	switch {
	case !ok:
		return "the end"
	case t < r.plan.steps[0].time:
		return "before the history"
	default:
		return formatTime(t)
	}
}

// partsMax is how many directories are listed.
const partsMax = 12

// tree prints what was read while the collection grew.
func (r *report) tree(rows []row, loaded int) {
	all, parts := summarise(rows, partsMax)
	width := len("directory")
	for _, part := range parts {
		width = max(width, len([]rune(part.name)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nas of %s UTC, read after %s of %s\n", formatTime(r.plan.asOf), formatCount(loaded),
		plural(len(r.plan.commits), "commit"))
	line := func(name, files, lines string) {
		fmt.Fprintf(&b, "    %-*s %9s %12s\n", width, name, files, lines)
	}
	line("directory", "files", "lines")
	for _, part := range parts {
		line(part.name, formatCount(part.files), formatCount(part.lines))
	}
	line("total", formatCount(all.files), formatCount(all.lines))
	r.print(b.String())
}

// checked says that git agrees.
func (r *report) checked(c commit, rows []row) {
	all, _ := summarise(rows, 1)
	r.print(fmt.Sprintf("checked:  git says of %s: %s, the same file by file", c.short(), formatTotal(all)))
}

// held says that the hold has kept the date readable.
func (r *report) held(now collections.CollectionInspection) {
	r.print(fmt.Sprintf("held:     all is loaded, the policy is at %s, and %s reads as before",
		r.frontier(now.Implied), formatTime(r.plan.asOf)))
}

// released says what is readable without the hold.
func (r *report) released(now collections.CollectionInspection, isRefused bool) {
	answer := "can still be read"
	if isRefused {
		answer = "is refused"
	}
	r.print(fmt.Sprintf("released: the durable since is at %s, and %s %s",
		r.frontier(now.Durable), formatTime(r.plan.asOf), answer))
}

// closing says how much it was.
func (r *report) closing(updates int) {
	r.print(fmt.Sprintf("done:     %s, %s, in %s", plural(len(r.plan.commits), "commit"), plural(updates, "update"),
		r.rt.Since(r.started).Round(10*time.Millisecond)))
}
