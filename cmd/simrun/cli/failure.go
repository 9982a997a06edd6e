package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

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
	if r.Verdict.Kind == sim.Escape {
		return told, nil
	}
	if path, err = e.drawFailure(ctx, f, scenario, options, &text); err != nil {
		return told, errors.Join(errors.New("the failure above could not be drawn"), err)
	}
	fmt.Fprintf(e.out, "  look:  %s\n", path)
	told.Files = append(told.Files, path)
	return told, nil
}

// eventsMax is how many of the last events a picture shows.
const eventsMax = 100_000

// drawFailure runs the failed run, or the smaller one, once more, and writes a picture of
// it next to its tape.
func (e *environment) drawFailure(
	ctx context.Context, f *runFlags, scenario sim.Scenario, options sweep.Options, text *report.Failure,
) (path string, err error) {
	config := scenario.Config(options.Config)
	config.Strategy, config.Replay, config.Script = nil, text.Result.Tape, text.Script()
	again := "simrun replay " + tapePath(f.out, text.Result.Tape)
	if config.Script != nil {
		config.Replay = nil
		again = "simrun replay " + scriptPath(f.out, config.Script)
	}
	tail := trace.NewTail(eventsMax)
	config.Trace = tail.Add
	r, err := sim.Run(context.WithoutCancel(ctx), config, scenario.Run)
	if err != nil {
		return "", err
	}
	path = strings.TrimSuffix(tapePath(f.out, text.Result.Tape), tapeSuffix) + ".html"
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	page := trace.Page{
		Title:   fmt.Sprintf("%s @ %s", scenario.Name, sweep.Format(r.Seed)),
		Verdict: r.Verdict.String(), Failed: r.Verdict.Failed(), Again: again,
	}
	return path, errors.Join(trace.WriteHTML(file, page, tail.Events()), file.Close())
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
