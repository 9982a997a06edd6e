package processtest

import (
	"os"
	"os/exec"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"
)

// Process is a process that ends with this one.
type Process struct {
	command *exec.Cmd
	waiting chan struct{}
	ended   chan error
}

// Start starts a command. Whoever does has to wait for it.
func Start(command *exec.Cmd) (*Process, error) {
	p := &Process{command: command, waiting: make(chan struct{}), ended: make(chan error, 1)}
	dieWithParent(command)
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the command and waits for its end, on one thread: the system ends the command with the
// thread that has started it.
func (p *Process) run(started chan<- error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	err := p.command.Start()
	started <- err
	if err != nil {
		return
	}
	<-p.waiting
	p.ended <- p.command.Wait()
}

// Kill kills the process, which may have ended already.
func (p *Process) Kill() { _ = p.command.Process.Kill() }

// Wait waits for the end of the process, as [exec.Cmd.Wait] does, once: what is read from a pipe has to
// be read before.
func (p *Process) Wait() error {
	close(p.waiting)
	return <-p.ended
}

// Output runs a command to its end, as [exec.Cmd.Output] does.
func Output(command *exec.Cmd) ([]byte, error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	dieWithParent(command)
	return command.Output()
}

// Say writes words as a line to the standard output, in one piece: a process that is killed has said all
// of it or nothing that counts.
func Say(words ...string) { _, _ = os.Stdout.WriteString(strings.Join(words, "\t") + "\n") }

// Kills returns how many processes a test is to kill: as many as the variable says, else the usual number,
// or 2 under -short.
func Kills(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	switch {
	case text == "" && testing.Short():
		return 2
	case text == "":
		return usual
	}
	kills, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return kills
}
