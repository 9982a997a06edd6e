package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// errInterrupted says that somebody has ended the command.
var errInterrupted = errors.New("interrupted")

// interruption returns errInterrupted instead of an error that comes from it. Git
// is interrupted by a Ctrl-C as well as we are, and may be the first to end.
func interruption(ctx context.Context, err error, loaded int) error {
	if err == nil || ctx.Err() == nil && !isInterrupted(err) {
		return err
	}
	return fmt.Errorf("%w with %s loaded", errInterrupted, plural(loaded, "commit"))
}

// isInterrupted reports whether a process was interrupted.
func isInterrupted(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}
