package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim"
)

// configFlags are the flags that say how a single run goes, but for its seed. A command
// that repeats a run has to be given the same ones.
type configFlags struct {
	strategy   string
	faults     string
	stepsMax   uint64
	virtualMax time.Duration
}

func (f *configFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.strategy, "strategy", "random", "what makes the choices: random, sticky, pct:3, pos, portfolio")
	flags.StringVar(&f.faults, "faults", "",
		`a file with what goes wrong, in the place of what each scenario draws; "calm": nothing does`)
	flags.Uint64Var(&f.stepsMax, "steps-max", 0, "limit of steps of one run (default: the scenario's)")
	flags.DurationVar(&f.virtualMax, "virtual-max", 0, "limit of virtual time of one run (default 720h)")
}

// config returns the configuration of a run.
func (f *configFlags) config() (sim.Config, error) {
	c := sim.Config{StepsMax: f.stepsMax, TimeMax: f.virtualMax}
	if f.virtualMax < 0 {
		return c, usagef("--virtual-max %v is negative", f.virtualMax)
	}
	var err error
	if c.Strategy, err = sim.ParseStrategy(f.strategy); err != nil {
		return c, usageError{err}
	}
	switch f.faults {
	case "":
	case "calm":
		c.Plan = &sim.Plan{}
	default:
		plan, err := sim.ReadPlan(f.faults)
		if err != nil {
			return c, usageError{err}
		}
		c.Plan = &plan
	}
	return c, nil
}

// again returns the flags that a repetition needs.
func (f *configFlags) again() string {
	var text string
	if f.stepsMax != 0 {
		text += fmt.Sprintf(" --steps-max %d", f.stepsMax)
	}
	if f.virtualMax != 0 {
		text += fmt.Sprintf(" --virtual-max %v", f.virtualMax)
	}
	if f.strategy != "random" {
		text += " --strategy " + f.strategy
	}
	if f.faults != "" {
		text += " --faults " + f.faults
	}
	return text
}
