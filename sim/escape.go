package sim

import (
	"fmt"
	"path"
	"strings"

	"github.com/tidemarkdb/tidemark/runtime"
)

// blockage is where a step blocks natively.
type blockage struct {
	function string // the native function, or what Go's runtime says of the goroutine
	place    string // the innermost line that is the program's own
	use      string // what to use instead
	spins    bool
}

// String is the message for people.
func (b blockage) String() string {
	what := "blocked natively in " + b.function
	if b.spins {
		what = "it spins"
	}
	if b.place != "" {
		what += " at " + b.place
	}
	return what + ": " + b.use
}

// instead says what to use for the native functions that block.
var instead = map[string]string{
	"sync.(*Mutex).Lock":        "use rt.NewMutex()",
	"sync.(*RWMutex).Lock":      "use rt.NewRWMutex()",
	"sync.(*RWMutex).RLock":     "use rt.NewRWMutex()",
	"sync.(*WaitGroup).Wait":    "use rt.NewWaitGroup(), or a Group from rt.NewGroup(ctx)",
	"sync.(*Cond).Wait":         "use rt.NewCond(locker)",
	"sync.(*Once).Do":           "use rt.NewOnce()",
	"time.Sleep":                "use rt.Sleep(ctx, d)",
	"runtime.(*Mutex).Lock":     "a zero Mutex is a native one: construct it with rt.NewMutex()",
	"runtime.(*RWMutex).Lock":   "a zero RWMutex is a native one: construct it with rt.NewRWMutex()",
	"runtime.(*RWMutex).RLock":  "a zero RWMutex is a native one: construct it with rt.NewRWMutex()",
	"runtime.(*WaitGroup).Wait": "a zero WaitGroup is a native one: construct it with rt.NewWaitGroup()",
	"runtime.(*Once).Do":        "a zero Once is a native one: construct it with rt.NewOnce()",
}

// states says the same for what Go's runtime tells of a goroutine; the longest
// prefix that fits counts.
var states = []struct{ prefix, function, use string }{
	{"chan receive", "a channel receive", "use ch.Recv(ctx) of a runtime.Chan; for <-ctx.Done() give ctx to what waits"},
	{"chan send", "a channel send", "use ch.Send(ctx, v) of a runtime.Chan"},
	{"select", "a select", "use runtime.Select2..Select4(ctx, arms...)"},
	{"sleep", "time.Sleep", "use rt.Sleep(ctx, d)"},
	{"IO wait", "input or output", realWorld},
	{"syscall", "a system call", realWorld},
	{"sync.", "a lock of package sync", "use the one of package runtime"},
	{"semacquire", "a lock of package sync", "use the one of package runtime"},
}

const (
	realWorld = "hide it behind an interface, or call it through rt.External"
	spinning  = "let others run with rt.Yield(), or wait with rt.Sleep(ctx, d) or a channel"
)

// findBlockage looks for the step of a task among the stacks of all goroutines.
// Where the stacks do not tell the task, it has to be the only one that blocks:
// other worlds may run, or have been abandoned, in the same process.
func findBlockage(stacks string, t *runtime.Task) (blockage, bool) {
	self := fmt.Sprintf("(*Task).Run(%p", t)
	var candidates []goroutine
	for section := range strings.SplitSeq(stacks, "\n\n") {
		g, ok := parseGoroutine(section)
		if !ok || !g.runsTask || g.state == "coroutine" {
			continue
		}
		if strings.Contains(section, self) {
			return g.blockage(), true
		}
		candidates = append(candidates, g)
	}
	if len(candidates) != 1 {
		return blockage{}, false
	}
	return candidates[0].blockage(), true
}

// goroutine is one section of what runtime.Stack prints.
type goroutine struct {
	state    string
	frames   []frame
	runsTask bool
}

type frame struct{ function, place string }

// parseGoroutine reads "goroutine 7 [state]:", then two lines for each frame:
// the function with its arguments, and the file with its line.
func parseGoroutine(section string) (g goroutine, ok bool) {
	head, rest, _ := strings.Cut(section, "\n")
	_, state, ok := strings.Cut(head, "[")
	if !ok || !strings.HasPrefix(head, "goroutine ") {
		return g, false
	}
	state, _, _ = strings.Cut(state, "]")
	g.state, _, _ = strings.Cut(state, ",")
	lines := strings.Split(rest, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		function := lines[i]
		if at := strings.LastIndex(function, "("); at > 0 {
			function = function[:at]
		}
		g.runsTask = g.runsTask || strings.HasSuffix(function, "/runtime.(*Task).Run")
		place, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " ")
		g.frames = append(g.frames, frame{function, shortPlace(place)})
	}
	return g, true
}

// shortPlace keeps the last folder and the file, as stories do.
func shortPlace(place string) string {
	return path.Join(path.Base(path.Dir(place)), path.Base(place))
}

func (g goroutine) spins() bool {
	return strings.HasPrefix(g.state, "run") || strings.HasPrefix(g.state, "preempted")
}

// blockage finds the innermost frame that is the program's own; the frame
// before it is what it called.
func (g goroutine) blockage() blockage {
	b := blockage{}
	called := ""
	for _, f := range g.frames {
		if isOwn(f.function) {
			b.place = f.place
			break
		}
		called = path.Base(f.function)
	}
	if g.spins() {
		b.spins, b.use = true, spinning
		return b
	}
	if use, ok := instead[called]; ok {
		b.function, b.use = called, use
		return b
	}
	for _, s := range states {
		if strings.HasPrefix(g.state, s.prefix) {
			b.function, b.use = s.function, s.use
			if called != "" && s.use == realWorld {
				b.function = called
			}
			return b
		}
	}
	b.function, b.use = g.state, realWorld
	return b
}

// isOwn reports whether a function is neither of the standard library nor of
// the framework.
func isOwn(function string) bool {
	const framework = "github.com/tidemarkdb/tidemark/"
	if inner, ok := strings.CutPrefix(function, framework); ok {
		return !strings.HasPrefix(inner, "runtime.") && !strings.HasPrefix(inner, "sim.")
	}
	root, _, _ := strings.Cut(function, "/")
	root, _, _ = strings.Cut(root, ".")
	return !standard[root]
}

// standard are the first elements of the import paths from which the standard
// library blocks.
var standard = map[string]bool{
	"runtime": true, "internal": true, "sync": true, "time": true, "os": true, "io": true, "net": true,
	"syscall": true, "bufio": true, "context": true, "crypto": true, "database": true, "iter": true, "log": true,
	"reflect": true, "fmt": true, "slices": true, "maps": true, "sort": true, "bytes": true, "strings": true,
	"encoding": true, "compress": true, "vendor": true, "testing": true,
}
