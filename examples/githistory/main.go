package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The exit codes of the command.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it reports on stdout, says in one line on stderr why it
// could not go on, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options, err := parseOptions(args)
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(stdout, usage())
		return exitOK
	case err == nil:
		err = show(ctx, runtime.New(runtime.Options{}), options, stdout)
	}
	var wrongUse *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrongUse):
		fmt.Fprintf(stderr, "githistory: %v (githistory -h tells about flags)\n", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "githistory:", err)
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	return exitFailure
}
