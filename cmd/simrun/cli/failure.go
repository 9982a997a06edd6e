package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

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
	if r.Followed != nil { // of the corpus: its seed alone may do something else
		again = artefactPath(f.out, scenario.Name, r.Seed, sweep.ScriptSuffix)
		text.Rerun = "simrun replay " + again
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
	if err := e.saveFailure(ctx, f, scenario, options, &text, &told); err != nil {
		return told, errors.Join(errors.New("the failure above could not be saved"), err)
	}
	return told, nil
}

// saveFailure writes the artefacts of a failure, and says where they are: its tape, the
// script of the smaller run, or of the one that was followed, and a picture.
func (e *environment) saveFailure(
	ctx context.Context, f *runFlags, scenario sim.Scenario, options sweep.Options, text *report.Failure, told *report.Told,
) error {
	keep := func(what, path string, err error) error {
		if err == nil {
			fmt.Fprintf(e.out, "  %-6s %s\n", what+":", path)
			told.Files = append(told.Files, path)
		}
		return err
	}
	r := text.Result
	if r.Tape != nil {
		path, err := writeTape(f.out, r.Tape)
		if err := keep("tape", path, err); err != nil {
			return err
		}
	}
	if script := cmp.Or(text.Script(), r.Followed); script != nil {
		path, err := writeScript(f.out, script)
		if err := keep("small", path, err); err != nil {
			return err
		}
	}
	if r.Verdict.Kind == sim.Escape || r.Tape == nil && r.Followed == nil {
		return nil
	}
	path, err := e.drawFailure(ctx, f, scenario, options, text)
	return keep("look", path, err)
}

// eventsMax is how many of the last events a picture shows.
const eventsMax = 100_000

// drawFailure runs the failed run, or the smaller one, once more, and writes a picture of
// it next to its tape.
func (e *environment) drawFailure(
	ctx context.Context, f *runFlags, scenario sim.Scenario, options sweep.Options, text *report.Failure,
) (path string, err error) {
	config := scenario.Config(options.Config)
	of := func(suffix string) string { return artefactPath(f.out, scenario.Name, text.Result.Seed, suffix) }
	config.Strategy, config.Replay, config.Script = nil, text.Result.Tape, cmp.Or(text.Script(), text.Result.Followed)
	again := "simrun replay " + of(sweep.TapeSuffix)
	if config.Script != nil {
		config.Replay = nil
		again = "simrun replay " + of(sweep.ScriptSuffix)
	}
	tail := trace.NewTail(eventsMax)
	config.Trace = tail.Add
	r, err := sim.Run(context.WithoutCancel(ctx), config, scenario.Run)
	if err != nil {
		return "", err
	}
	path = of(".html")
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
