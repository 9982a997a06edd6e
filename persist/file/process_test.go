package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
	"github.com/tidemarkdb/tidemark/runtime"
)

// The variables that make the test binary another process: what it does, in which
// directory, and a name that no other one has.
const (
	roleVariable      = "TIDEMARK_FILE_TEST_ROLE"
	directoryVariable = "TIDEMARK_FILE_TEST_DIRECTORY"
	nameVariable      = "TIDEMARK_FILE_TEST_NAME"
)

// roles is what other processes may do: they write to standard output, and return
// why they failed.
var roles = map[string]func(directory, name string) error{
	"hold":   holdUntilTold,
	"churn":  churn,
	"engine": liveEngine,
}

func play(role string) int {
	if err := roles[role](os.Getenv(directoryVariable), os.Getenv(nameVariable)); err != nil {
		fmt.Println("FAILED:", err)
		return 1
	}
	return 0
}

// process returns another process, to be started with processtest.
func process(role, directory, name string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+role, directoryVariable+"="+directory, nameVariable+"="+name)
	command.Stderr = os.Stderr
	return command
}

func open(directory string) (*file.Store, *runtime.Runtime, error) {
	rt := runtime.New(runtime.Options{})
	store, err := file.Open(context.Background(), rt, directory, file.Options{})
	return store, rt, err
}

// holdUntilTold has the store open until its standard input ends.
func holdUntilTold(directory, _ string) error {
	store, _, err := open(directory)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return store.Close()
}

// TestOneProcessAtATime protects the store from a second process, and the second
// process from a lock that outlives the first.
func TestOneProcessAtATime(t *testing.T) {
	directory := t.TempDir()
	other := process("hold", directory, "")
	stdin, err := other.StdinPipe()
	must(t, err)
	defer stdin.Close()
	stdout, err := other.StdoutPipe()
	must(t, err)
	held, err := processtest.Start(other)
	must(t, err)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	wantLocked(t, directory, other.Process.Pid)
	held.Kill()
	_ = held.Wait() // killed
	openStore(t, directory)
	wantLocked(t, directory, os.Getpid())
}

func wantLocked(t *testing.T, directory string, pid int) {
	t.Helper()
	err := failsToOpen(t, directory)
	var locked *file.LockedError
	if !errors.As(err, &locked) || locked.PID != pid || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("error is %v, want a LockedError with process %d", err, pid)
	}
}

// wantNoTemporaries protects the disk from what dead processes have left.
func wantNoTemporaries(t *testing.T, directory string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(directory, "tmp"))
	must(t, err)
	for _, entry := range entries {
		t.Errorf("temporary file %s has stayed", entry.Name())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
