// Simrun sweeps seeds over Tidemark's scenarios, and replays the failing ones.
// Run "simrun help" for its commands.
package main

import (
	"os"

	"github.com/tidemarkdb/tidemark/cmd/simrun/cli"
	"github.com/tidemarkdb/tidemark/scenarios"
)

func main() { os.Exit(cli.Main(os.Args[1:], scenarios.All())) }
