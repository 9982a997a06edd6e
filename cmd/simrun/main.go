// Simrun sweeps seeds over Tidemark's scenarios, and replays the failing ones.
// Run "simrun help" for its commands.
package main

import (
	"fmt"
	"os"

	"github.com/tidemarkdb/tidemark/cmd/simrun/cli"
	"github.com/tidemarkdb/tidemark/scenarios"
	"github.com/tidemarkdb/tidemark/scenarios/mutants"
)

func main() {
	bugs, err := mutants.All()
	if err != nil {
		fmt.Fprintln(os.Stderr, "simrun:", err)
		os.Exit(5)
	}
	os.Exit(cli.Main(os.Args[1:], scenarios.All(), bugs...))
}
