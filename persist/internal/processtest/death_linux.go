package processtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the system kill a command, not yet started, with this process.
func dieWithParent(command *exec.Cmd) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
