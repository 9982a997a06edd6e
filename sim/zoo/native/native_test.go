package native_test

import (
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim/zoo"
)

// TestMain protects against goroutines that are left behind when no bug was run. Those
// of the bugs are the point.
func TestMain(m *testing.M) {
	if os.Getenv("ZOO_NATIVE") != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// program is a bug in plain Go. It reports a wrong result, and may as well block,
// panic, race or leave goroutines behind.
type program struct {
	name string
	run  func() error
}

// programs lists all bugs, by the names of their twins in package zoo.
func programs() []program {
	var all []program
	for _, some := range [][]program{blocking(), crashing(), leaking(), wrong(), racing()} {
		all = append(all, some...)
	}
	return all
}

// TestProgramsAreInTheZoo protects the comparison: each bug has its twin there.
func TestProgramsAreInTheZoo(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range programs() {
		if _, ok := zoo.Find(p.name); !ok || seen[p.name] {
			t.Errorf("%s: not in the zoo, or here twice", p.name)
		}
		seen[p.name] = true
	}
	if len(seen) < 15 {
		t.Errorf("%d programs, want at least 15", len(seen))
	}
}

// TestBug runs each bug once.
func TestBug(t *testing.T) {
	if os.Getenv("ZOO_NATIVE") != "1" {
		t.Skip("the bugs are real: set ZOO_NATIVE=1 to run them")
	}
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			done := make(chan error, 1)
			go func() { done <- p.run() }()
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(2 * time.Second):
				t.Fatal("blocked")
			}
			if err := goleak.Find(before); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// resource is something outside the program, such as a disk.
type resource struct{ mu sync.Mutex }

// use operates on the resource so many times.
func (r *resource) use(times int) {
	for range times {
		r.mu.Lock()
		r.mu.Unlock() //nolint:staticcheck // a scheduling point is all it is for
	}
}

// together runs functions as goroutines and waits for all of them.
func together(functions ...func()) {
	var wg sync.WaitGroup
	for _, f := range functions {
		wg.Go(f)
	}
	wg.Wait()
}
