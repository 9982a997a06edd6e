package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/divergence"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// tellFailure writes the failure block and the artefacts, and returns what it has told.
func (e *environment) tellFailure(
	ctx context.Context, f *runFlags, scenario sim.Scenario, options sweep.Options, failure sweep.Failure,
) (report.Told, error) {
	r := failure.Result
	again := fmt.Sprintf("%s --seed %s%s", scenario.Name, sweep.Format(r.Seed), f.again())
	text := report.Failure{
		Title:    "FAIL  " + scenario.Name + ": " + r.Verdict.String(),
		Result:   r,
		Place:    fmt.Sprintf("%d of the seeds failed like this", failure.Count),
		Rerun:    "simrun run " + again,
		StoryMax: 20,
	}
	if f.shrink > 0 {
		text.Shrink(ctx, scenario, scenario.Config(options.Config), shrink.Options{Jobs: f.jobs, TimeMax: f.shrink})
	}
	if r.Verdict.Kind != sim.Escape {
		text.Tell(context.WithoutCancel(ctx), scenario.Config(options.Config), scenario.Run)
	}
	told := report.Told{Failure: failure, Text: text.String(), Rerun: text.Rerun, Shrunk: text.Summary()}
	fmt.Fprintln(e.out, told.Text)
	fmt.Fprintf(e.out, "  story: simrun replay %s\n", again)
	if r.Tape == nil {
		return told, nil
	}
	path, err := writeTape(f.out, r.Tape)
	if err != nil {
		return told, errors.Join(errors.New("the failure above could not be saved"), err)
	}
	fmt.Fprintf(e.out, "  tape:  %s\n", path)
	told.Files = append(told.Files, path)
	if script := text.Script(); script != nil {
		if path, err = writeScript(f.out, script); err != nil {
			return told, errors.Join(errors.New("the failure above could not be saved"), err)
		}
		fmt.Fprintf(e.out, "  small: %s\n", path)
		told.Files = append(told.Files, path)
	}
	return told, nil
}

// locate runs a seed that does not repeat again, and says where its runs part.
func (e *environment) locate(ctx context.Context, scenario sim.Scenario, options sweep.Options, seed uint64) error {
	config := scenario.Config(options.Config)
	config.Seed = seed
	place, err := divergence.Locate(ctx, scenario, config, divergence.Options{})
	if err != nil {
		return err
	}
	if place == nil {
		_, err := fmt.Fprintln(e.out, "      run again, it has repeated")
		return err
	}
	fmt.Fprintf(e.out, "      two runs of seed %s part here, after\n", sweep.Format(seed))
	story := trace.NewStory(e.out)
	for _, ev := range place.Before {
		story.Add(ev)
	}
	e.tellPart(story, "one", place.First)
	e.tellPart(story, "the other", place.Second)
	return story.Err()
}

func (e *environment) tellPart(story *trace.Story, which string, ev *trace.Event) {
	if ev == nil {
		fmt.Fprintf(e.out, "      %s is over\n", which)
		return
	}
	fmt.Fprintf(e.out, "      %s goes on with\n", which)
	story.Add(*ev)
}
