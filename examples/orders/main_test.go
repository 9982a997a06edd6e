package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asProgram makes the test binary the program.
const asProgram = "ORDERS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(directory string) *exec.Cmd {
	command := exec.Command(os.Args[0], directory)
	command.Env = append(os.Environ(), asProgram+"=1")
	return command
}

// Runs that are killed at any moment leave a collection with which the next one goes
// on: each time has one apple more than the time before.
func TestGoesOnAfterBeingKilled(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "orders")
	apples := 0
	for round := range 10 {
		killed := program(directory)
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(40*time.Millisecond), func() { _ = killed.Process.Kill() })
		_ = killed.Wait() // killed, or not
		timer.Stop()
		out, err := program(directory).CombinedOutput()
		if err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, out)
		}
		lines := strings.Count(string(out), "\n")
		if lines != apples+1 && lines != apples+2 {
			t.Errorf("round %d: %d times after %d", round, lines, apples)
		}
		apples = lines
		var want strings.Builder
		for asOf := range lines {
			fmt.Fprintf(&want, "as of %d: %d apples\n", asOf, asOf+1)
		}
		if string(out) != want.String() {
			t.Errorf("round %d: it prints\n%s", round, out)
		}
	}
}
