package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// progress shows on standard error how far a sweep has come: a bar on a
// terminal, elsewhere a plain line every ten seconds.
type progress struct {
	name string
	out  io.Writer
	bar  *progressbar.ProgressBar
	next time.Duration // when the next plain line is due
	mute bool
}

const plainEvery = 10 * time.Second

func (e *environment) newProgress(name string, o sweep.Options, quiet bool) *progress {
	p := &progress{name: name, out: e.err, next: plainEvery, mute: quiet}
	if quiet || !e.terminal {
		return p
	}
	total := int64(-1)
	if n := o.Seeds.Count(); o.For == 0 && n < 1<<62 {
		total = int64(n)
	}
	p.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(e.err), progressbar.OptionSetDescription(name),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(24), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("runs"), progressbar.OptionSetPredictTime(true))
	return p
}

func (p *progress) update(s sweep.Progress) {
	switch {
	case p.bar != nil:
		if s.Failures > 0 {
			p.bar.Describe(fmt.Sprintf("%s (%d failures)", p.name, s.Failures))
		}
		p.bar.Set64(int64(s.Done)) //nolint:errcheck // a bar that can not be drawn is no reason to stop
	case !p.mute && s.Real >= p.next:
		p.next = s.Real + plainEvery
		fmt.Fprintf(p.out, "%s: %d seeds done, %d failures, %s simulated\n",
			p.name, s.Done, s.Failures, s.Virtual.Round(time.Second))
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish() //nolint:errcheck // as above
	}
}
