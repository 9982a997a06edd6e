package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"simrun": main}) }

// commands are what scripts can do besides those of testscript.
type commands = map[string]func(ts *testscript.TestScript, neg bool, args []string)

// TestScripts protects what people type and read: flags, output, exit codes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: commands{
			"exitcode": exitCode,
			"store":    storeCommand,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// exitCode runs a command and demands an exit code: exitcode 2 simrun run --no-such-flag
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = err.Error()
	}
	want := args[0]
	if want != "0" {
		want = "exit status " + want
	}
	if got != want {
		ts.Fatalf("%v: got %s, want %s", args[1:], got, want)
	}
}
