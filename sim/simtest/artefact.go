package simtest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// artefacts are the files that a run leaves in the folder of its test.
type artefacts struct {
	folder string
	names  []string
	err    error
}

// write makes a file; the first error stays.
func (a *artefacts) write(name string, content func(w io.Writer) error) {
	if a.err != nil {
		return
	}
	file, err := os.Create(filepath.Join(a.folder, name))
	if err != nil {
		a.err = err
		return
	}
	a.err = errors.Join(content(file), file.Close())
	a.names = append(a.names, name)
}

// writeBytes is write for what is already there.
func (a *artefacts) writeBytes(name string, data []byte, err error) {
	a.write(name, func(w io.Writer) error {
		if err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	})
}

// writeStory writes a run as text and as a picture.
func (a *artefacts) writeStory(prefix string, page trace.Page, events []trace.Event) {
	a.write(prefix+"story.txt", func(w io.Writer) error {
		story := trace.NewStory(w)
		story.Fit(events...)
		for _, e := range events {
			story.Add(e)
		}
		return story.Err()
	})
	a.write(prefix+"timeline.html", func(w io.Writer) error { return trace.WriteHTML(w, page, events) })
}

// saveFailure writes the artefacts of a failure, and returns lines that name them and say
// how to keep the run. Corpus is where; empty if it is kept already.
func saveFailure(t *testing.T, f *report.Failure, corpus string) string {
	t.Helper()
	a := &artefacts{folder: t.ArtifactDir()}
	name := "0x" + strconv.FormatUint(f.Result.Seed, 16)
	keep := ""
	if tape := f.Result.Tape; tape != nil {
		data, err := tape.MarshalBinary()
		keep = name + sweep.TapeSuffix
		a.writeBytes(keep, data, err)
	}
	if script := f.Script(); script != nil {
		data, err := script.MarshalText()
		keep = name + sweep.ScriptSuffix
		a.writeBytes(keep, data, err)
	}
	if events := f.Events(); len(events) > 0 {
		v := f.Result.Verdict
		a.writeStory("", trace.Page{
			Title: fmt.Sprintf("%s @ %s", t.Name(), name), Verdict: v.String(), Failed: v.Failed(), Again: f.Rerun,
		}, events)
	}
	if a.err != nil {
		return "\n  files: " + a.err.Error()
	}
	return a.describe(keep, corpus)
}

// describe names the files, and says how to keep the run for the corpus.
func (a *artefacts) describe(keep, corpus string) string {
	if len(a.names) == 0 {
		return ""
	}
	if keep == "" {
		corpus = ""
	}
	isKept := flag.Lookup("test.artifacts") != nil && flag.Lookup("test.artifacts").Value.String() == "true"
	if !isKept {
		text := "\n  files: with -artifacts, " + strings.Join(a.names, ", ")
		if corpus != "" {
			text += fmt.Sprintf("\n  keep:  with -artifacts, then cp %s %s/", keep, filepath.ToSlash(corpus))
		}
		return text
	}
	text := "\n  files:"
	for _, name := range a.names {
		text += " " + filepath.Join(a.folder, name)
	}
	if corpus != "" {
		if absolute, err := filepath.Abs(corpus); err == nil {
			corpus = absolute
		}
		corpus = quoted(corpus)
		text += fmt.Sprintf("\n  keep:  mkdir -p %s && cp %s %s/", corpus, quoted(filepath.Join(a.folder, keep)), corpus)
	}
	return text
}

// savePassing writes the story of a run in which nothing went wrong.
func savePassing(t *testing.T, r sim.Result, tail *trace.Tail) error {
	t.Helper()
	a := &artefacts{folder: t.ArtifactDir()}
	name := "0x" + strconv.FormatUint(r.Seed, 16)
	a.writeStory(name+"-", trace.Page{
		Title: fmt.Sprintf("%s @ %s", t.Name(), name), Verdict: r.Verdict.String(), Failed: r.Verdict.Failed(),
	}, tail.Events())
	return a.err
}
