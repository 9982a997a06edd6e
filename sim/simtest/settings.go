package simtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/tidemarkdb/tidemark/sim/sweep"
)

var (
	seedFlag   = flag.String("sim.seed", "", "run this seed only")
	seedsFlag  = flag.String("sim.seeds", "", `run these seeds, such as "1-1000,0x2a,random"`)
	shrinkFlag = flag.String("sim.shrink", "", "real time for shrinking a failure, 0 for none (default 5s)")
	storyFlag  = flag.String("sim.story", "", "lines of story told about a failure, 0 for all (default 40)")
)

// settings are the flags and variables of a test run.
type settings struct {
	seeds  sweep.Seeds
	story  int
	shrink time.Duration
}

// settingsOf reads the flags, then the variables, then takes the defaults.
func settingsOf(short bool) (settings, error) {
	s := settings{seeds: sweep.Seeds{{First: 1, Last: 100}}, story: 40, shrink: 5 * time.Second}
	if short {
		s.seeds = sweep.Seeds{{First: 1, Last: 10}}
	}
	seeds := firstOf(*seedFlag, *seedsFlag, os.Getenv("SIM_SEED"), os.Getenv("SIM_SEEDS"))
	if seeds != "" {
		parsed, err := sweep.ParseSeeds(seeds, rand.Uint64)
		if err != nil {
			return s, fmt.Errorf("simtest: -sim.seed, -sim.seeds, SIM_SEED or SIM_SEEDS: %w", err)
		}
		s.seeds = parsed
	}
	if story := firstOf(*storyFlag, os.Getenv("SIM_STORY")); story != "" {
		n, err := strconv.Atoi(story)
		if err != nil || n < 0 {
			return s, fmt.Errorf("simtest: -sim.story or SIM_STORY: %q is not a number of lines", story)
		}
		s.story = n
	}
	if shrink := firstOf(*shrinkFlag, os.Getenv("SIM_SHRINK")); shrink != "" {
		d, err := time.ParseDuration(shrink)
		if err != nil || d < 0 {
			return s, fmt.Errorf("simtest: -sim.shrink or SIM_SHRINK: %q is not a time such as 5s, or 0", shrink)
		}
		s.shrink = d
	}
	return s, nil
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
