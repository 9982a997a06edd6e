package simtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// flags are those of this package, without the "sim." in front.
var flags = []struct{ name, usage string }{
	{"seed", "run this seed only, and nothing of the corpus"},
	{"seeds", `run these seeds, such as "1-1000,0x2a,random"`},
	{"for", "instead of a number of seeds, run new ones for this much real time"},
	{"strategy", "what makes the choices: random, sticky, pct:3, pos, portfolio (default random)"},
	{"faults", `file with what goes wrong, in the place of what each seed draws; "calm": nothing does`},
	{"trace", "runs of which the story is told and drawn: never, failed or always (default failed)"},
	{"check-determinism", `run every n-th seed twice, or a share such as "1%"; 0 for none (default 100)`},
	{"shrink", "real time for shrinking a failure, 0 for none (default 5s)"},
	{"story", "lines of story told about a failure, 0 for all (default 40)"},
}

func init() {
	for _, f := range flags {
		flag.String("sim."+f.name, "", f.usage)
	}
}

// settings are the flags and variables of a test run.
type settings struct {
	seeds    sweep.Seeds
	isSingle bool          // one seed was asked for by -sim.seed
	duration time.Duration // instead of a number of seeds; 0 for none
	config   sim.Config    // strategy and plan
	trace    string
	check    uint64 // every how-manyth seed is run twice; 0 for none
	story    int
	shrink   time.Duration
	again    string // flags that a repetition needs, too
}

// settingsOf reads the flags, then the variables, then takes the defaults.
func settingsOf(short bool) (settings, error) {
	s := settings{
		seeds: sweep.Seeds{{First: 1, Last: 100}}, trace: "failed", check: 100, story: 40, shrink: 5 * time.Second,
	}
	if short {
		s.seeds = sweep.Seeds{{First: 1, Last: 10}}
	}
	if err := s.readSeeds(); err != nil {
		return s, err
	}
	for _, setting := range []struct {
		name string
		read func(text string) error
	}{
		{"strategy", s.readStrategy}, {"faults", s.readFaults}, {"trace", s.readTrace},
		{"check-determinism", s.readCheck}, {"shrink", s.readShrink}, {"story", s.readStory},
	} {
		text := given(setting.name)
		if text == "" {
			continue
		}
		if err := setting.read(text); err != nil {
			return s, wrong(setting.name, err)
		}
	}
	return s, nil
}

// given returns what a flag or else its variable says.
func given(name string) string {
	if text := flagged(name); text != "" {
		return text
	}
	return os.Getenv(variable(name))
}

func flagged(name string) string { return flag.Lookup("sim." + name).Value.String() }

// variable returns the name of the variable that stands in for a flag.
func variable(name string) string {
	return "SIM_" + strings.ReplaceAll(strings.ToUpper(name), "-", "_")
}

func wrong(name string, err error) error {
	return fmt.Errorf("simtest: -sim.%s or %s: %w", name, variable(name), err)
}

// readSeeds reads the one of three settings that is given. A flag wins over variables.
func (s *settings) readSeeds() error {
	three := []string{"seed", "seeds", "for"}
	name, text := "", ""
	for _, n := range three {
		switch given := flagged(n); {
		case given != "" && name != "":
			return fmt.Errorf("simtest: -sim.%s and -sim.%s exclude each other", name, n)
		case given != "":
			name, text = n, given
		}
	}
	for _, n := range three {
		if name == "" && os.Getenv(variable(n)) != "" {
			name, text = n, os.Getenv(variable(n))
		}
	}
	if name == "" {
		return nil
	}
	if err := s.parseSeeds(name, text); err != nil {
		return wrong(name, err)
	}
	return nil
}

func (s *settings) parseSeeds(name, text string) error {
	if name == "for" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a time such as 10m", text)
		}
		s.duration, s.seeds = d, sweep.Seeds{{First: rand.Uint64() >> 1, Last: 1<<64 - 1}}
		return nil
	}
	seeds, err := sweep.ParseSeeds(text, rand.Uint64)
	if err != nil {
		return err
	}
	if name == "seed" && seeds.Count() != 1 {
		return fmt.Errorf("%q is more than one seed; use -sim.seeds", text)
	}
	s.seeds, s.isSingle = seeds, name == "seed"
	return nil
}

func (s *settings) readStrategy(text string) (err error) {
	s.config.Strategy, err = sim.ParseStrategy(text)
	s.again += " -sim.strategy=" + quoted(text)
	return err
}

func (s *settings) readFaults(text string) error {
	s.again += " -sim.faults=" + quoted(text)
	s.config.Plan = &sim.Plan{}
	if text == "calm" {
		return nil
	}
	plan, err := sim.ReadPlan(text)
	s.config.Plan = &plan
	return err
}

func (s *settings) readTrace(text string) error {
	switch text {
	case "never", "failed", "always":
		s.trace = text
		return nil
	}
	return fmt.Errorf("%q is not never, failed or always", text)
}

func (s *settings) readCheck(text string) error {
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return fmt.Errorf("%q is not a share above 0%% and up to 100%%", text)
		}
		s.check = uint64(100/percent + 0.5)
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is not a number of seeds, or a share such as 1%%", text)
	}
	s.check = n
	return nil
}

func (s *settings) readShrink(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time such as 5s, or 0", text)
	}
	s.shrink = d
	return nil
}

func (s *settings) readStory(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a number of lines", text)
	}
	s.story = n
	return nil
}

// quoted returns a text as one word of a shell.
func quoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,-@#") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// isOver reports whether the time for new seeds is up.
func (s *settings) isOver(start time.Time) bool {
	return s.duration > 0 && time.Since(start) >= s.duration
}

// place says which of how many a seed is.
func (s *settings) place(index uint64) string {
	if s.duration > 0 {
		return fmt.Sprintf("number %d in %v", index+1, s.duration)
	}
	return fmt.Sprintf("%d of %d", index+1, s.seeds.Count())
}
