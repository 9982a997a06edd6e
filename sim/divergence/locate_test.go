package divergence_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/divergence"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The lines that say "escapes" are where the runs of a fixture part.
var fixtures = map[string]func(rt *runtime.Runtime){
	"map iteration": func(rt *runtime.Runtime) {
		all := map[string]*runtime.Mutex{"a": rt.NewMutex(), "b": rt.NewMutex(), "c": rt.NewMutex()}
		for _, mu := range all {
			mu.Lock() // escapes: map iteration
		}
	},
	"the real clock": func(rt *runtime.Runtime) {
		for range 64 {
			if time.Now().UnixNano()/128%2 == 0 {
				rt.Yield() // escapes: the real clock
			}
		}
	},
	"the global random source": func(rt *runtime.Runtime) {
		for range 64 {
			if rand.IntN(2) == 0 {
				rt.Yield() // escapes: the global random source
			}
		}
	},
	"addresses": func(rt *runtime.Runtime) {
		for range 64 {
			p := new([100]byte)
			kept = p // on the heap
			if uintptr(unsafe.Pointer(p))/16%3 == 0 {
				rt.Yield() // escapes: addresses
			}
		}
	},
	"a native select": func(rt *runtime.Runtime) {
		full := make(chan int, 64)
		for range 64 {
			full <- 1
			select {
			case <-full:
				rt.Yield() // escapes: a native select
			case full <- 2:
				<-full
				<-full
			}
		}
	},
	"a pool": func(rt *runtime.Runtime) {
		var pool sync.Pool
		for range 8 {
			pool.Put(new([100]byte))
			if rand.IntN(2) == 0 { // stands for the moment of a collection
				goruntime.GC()
				goruntime.GC()
			}
			if pool.Get() == nil {
				rt.Yield() // escapes: a pool
			}
		}
	},
}

var kept any

// TestLocatesTheLine protects the way from "this seed does not repeat" to the cause.
func TestLocatesTheLine(t *testing.T) {
	source, err := os.ReadFile("locate_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range fixtures {
		t.Run(name, func(t *testing.T) {
			place, err := divergence.Locate(t.Context(), scenario(body), sim.Config{}, divergence.Options{})
			if err != nil || place == nil {
				t.Fatal(place, err)
			}
			if !isAt(place.First, source, name) && !isAt(place.Second, source, name) {
				t.Errorf("parts at %+v and %+v", place.First, place.Second)
			}
		})
	}
}

func scenario(body func(rt *runtime.Runtime)) sim.Scenario {
	return sim.Scenario{Name: "fixture", Doc: "escapes", Run: func(_ context.Context, w *sim.World) error {
		body(w.Runtime())
		return nil
	}}
}

// isAt reports whether an event is at the line of a fixture that escapes.
func isAt(e *trace.Event, source []byte, name string) bool {
	if e == nil {
		return false
	}
	file, number, _ := strings.Cut(filepath.Base(e.Location), ":")
	line, err := strconv.Atoi(number)
	lines := strings.Split(string(source), "\n")
	return err == nil && file == "locate_test.go" && strings.Contains(lines[line-1], "// escapes: "+name)
}

// TestARunThatRepeatsHasNoPlace protects from accusing the innocent.
func TestARunThatRepeatsHasNoPlace(t *testing.T) {
	place, err := divergence.Locate(t.Context(), scenario((*runtime.Runtime).Yield), sim.Config{}, divergence.Options{Attempts: 3})
	if place != nil || err != nil {
		t.Error(place, err)
	}
}
