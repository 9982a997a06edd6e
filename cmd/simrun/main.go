// Simrun sweeps seeds over Tidemark's scenarios, and replays the failing ones.
// Run "simrun help" for its commands.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/tidemarkdb/tidemark/cmd/simrun/cli"
	"github.com/tidemarkdb/tidemark/scenarios"
	"github.com/tidemarkdb/tidemark/scenarios/mutants"
)

// gcPercent is the garbage collector's target. Runs leave much behind and keep little: with
// the default, a fourth of the time goes into collecting some megabytes.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	bugs, err := mutants.All()
	if err != nil {
		fmt.Fprintln(os.Stderr, "simrun:", err)
		os.Exit(5)
	}
	os.Exit(cli.Main(os.Args[1:], scenarios.All(), bugs...))
}
