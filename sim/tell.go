package sim

import (
	"fmt"
	"path"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// The functions of this file make events for Config.Trace. They are called
// only if there is one, but for carriedOut, and have no effect on the run.

// emit reports an event of a task; nil stands for the world itself. An
// abandoned world has nobody to report to.
func (k *kernel) emit(t *task, kind trace.Kind, text string) {
	k.emitFrom(t, trace.Event{Kind: kind, Text: text})
}

// emitFrom reports an event, and fills in whose it is.
func (k *kernel) emitFrom(t *task, e trace.Event) {
	if k.signal.Load()&abandoned != 0 {
		return
	}
	e.Step, e.Time, e.Node = k.steps, k.elapsed(), "world"
	if t != nil {
		e.Node, e.Task = t.life.node.name, t.runtime.Path()
		if e.Kind != trace.Start && e.Kind != trace.End {
			e.Location = k.location(t)
		}
		e.Preempted = k.preempted && k.told != t // who was preempted by a task that told nothing just goes on
		if e.Preempted {
			e.Stopped = k.stopped
		}
		k.preempted, k.stopped, k.told = false, trace.Stop{}, t
	}
	k.config.Trace(e)
}

// carriedOut counts an operation of a task, and reports it.
func (k *kernel) carriedOut(t *task, op runtime.Op) {
	k.operated++
	if k.config.Trace != nil {
		k.emit(t, trace.Op, describeOp(t, op))
	}
}

// tellStop takes note of a task that was stopped and could have gone on, for the next
// event. It is called on the stack of that task.
func (k *kernel) tellStop(t *task) {
	if k.stopped == (trace.Stop{}) {
		k.stopped = trace.Stop{
			Node: t.life.node.name, Task: t.runtime.Path(), Text: describeOp(t, t.op), Location: k.location(t),
		}
	}
}

func (k *kernel) traceChoice(stream, site string, i, n int) {
	k.emit(k.current(), trace.Choice, fmt.Sprintf("%s %s: %d of 0..%d", stream, site, i, n-1))
}

// verdictText is the verdict in one line that says of what kind it is.
func verdictText(v Verdict) string {
	if v.Kind == Violation {
		return "violation " + v.String()
	}
	return v.String()
}

func describeOp(t *task, op runtime.Op) string {
	text := describeWait(op)
	if op.Kind == runtime.OpSelect {
		for o := range t.runtime.Objects() {
			text += " " + o.Name()
		}
	}
	return text
}

// tellEvent puts an event of the program into words.
func tellEvent(e runtime.Event) (trace.Kind, string) {
	kind := trace.Log
	if e.Kind == runtime.EventFault {
		kind = trace.Fault
	}
	var b strings.Builder
	if e.Kind == runtime.EventLog {
		b.WriteString(e.Level.String() + " ")
	}
	b.WriteString(e.Name)
	for _, a := range e.Attrs {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
	}
	return kind, b.String()
}

// location returns the innermost line of the program outside the simulator and
// the runtime: the last two parts of its path, and the number.
func location() string {
	var callers [32]uintptr
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(3, callers[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !ownFunction(frame.Function) && !ownFile(frame.File) {
			return shortPath(frame.File) + ":" + strconv.Itoa(frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// ownPackages are skipped when the story looks for a line of the program.
var ownPackages = []string{
	"github.com/tidemarkdb/tidemark/runtime.",
	"github.com/tidemarkdb/tidemark/sim.",
	"github.com/tidemarkdb/tidemark/sim/network.",
	"log/slog.",
	"runtime.",
	"sync.",
	"iter.",
}

func ownFunction(name string) bool {
	return slices.ContainsFunc(ownPackages, func(own string) bool { return strings.HasPrefix(name, own) })
}

// moduleFolder is where the files of this module were when it was compiled.
var moduleFolder = func() string {
	_, file, _, _ := goruntime.Caller(0)
	return path.Dir(path.Dir(file))
}()

// ownFile finds what the function's name hides: a loop over a method of the
// runtime is inlined into a function of the program.
func ownFile(file string) bool {
	folder := path.Dir(file)
	return (folder == moduleFolder+"/runtime" || folder == moduleFolder+"/sim") && !strings.HasSuffix(file, "_test.go")
}

func shortPath(file string) string {
	last := strings.LastIndexByte(file, '/')
	if last < 0 {
		return file
	}
	if before := strings.LastIndexByte(file[:last], '/'); before >= 0 {
		return file[before+1:]
	}
	return file
}

// deadlock describes every task that is still there.
func (k *kernel) deadlock() Verdict {
	v := Verdict{Kind: Deadlock, Message: "no task can ever run again"}
	for _, t := range k.tasks {
		if t.state == taskEnded || t.life.frozen {
			continue
		}
		state := t.describe()
		if t.life.node.paused {
			state.Wait += " (node paused)"
		}
		v.Tasks = append(v.Tasks, state)
		v.Message += "\n  " + state.String()
	}
	return v
}
