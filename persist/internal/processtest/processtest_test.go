package processtest_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	goruntime "runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

const roleVariable = "PROCESSTEST_ROLE"

// TestMain lets this program be a process that a test starts, and the one that this starts.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "talk":
		for {
			processtest.Say("one", "line")
		}
	case "parent":
		if _, err := processtest.Start(other("child")); err != nil {
			fmt.Println(err)
		}
		time.Sleep(time.Hour)
	case "child":
		fmt.Println("alive") // to the output of the parent, which stays open as long as one of them lives
		time.Sleep(time.Hour)
	default:
		goleak.VerifyTestMain(m)
	}
}

// other returns this program in a role.
func other(role string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+role)
	if role == "child" {
		command.Stdout = os.Stdout
	}
	return command
}

// TestNothingOutlivesAProcessThatIsKilled protects machines from orphans.
func TestNothingOutlivesAProcessThatIsKilled(t *testing.T) {
	if goruntime.GOOS != "linux" {
		t.Skip("ONLY LINUX KILLS PROCESSES WITH THEIR PARENT: orphans are possible here")
	}
	parent := other("parent")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := processtest.Start(parent)
	if err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(stdout)
	if line, err := output.ReadString('\n'); line != "alive\n" {
		t.Errorf("the child says %q, %v", line, err)
	}
	process.Kill()
	timer := time.AfterFunc(10*time.Second, func() { panic("the child has outlived its parent") })
	defer timer.Stop()
	if rest, err := io.ReadAll(output); err != nil || len(rest) > 0 { // ends with the last of both
		t.Errorf("%q, %v", rest, err)
	}
	_ = process.Wait() // killed
}

// TestHearsWholeLines protects tests from what was not said.
func TestHearsWholeLines(t *testing.T) {
	heard := 0
	span := processtest.Span{Lines: 100, Time: time.Second}
	for seed := range uint64(3) {
		processtest.HearUntilKilled(t, rand.New(rand.NewPCG(seed, 0)), other("talk"), span, func(line string) {
			if heard++; line != "one\tline" {
				t.Errorf("heard %q", line)
			}
		})
	}
	if heard == 0 {
		t.Error("nothing was heard")
	}
}
