package s3test

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the system kill a command, not yet started, with this process.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
