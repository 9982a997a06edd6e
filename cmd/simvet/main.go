// Simvet finds direct nondeterminism in packages that say //sim:deterministic
// above their package clause, and rewrites ordinary Go to package runtime:
//
//	simvet ./...                              # or: go vet -vettool=$(which simvet) ./...
//	simvet -fix ./mypackage                   # apply the rewriting; -fix -diff shows it
//	simvet catalogue ./scenarios              # list the assertions, see package catalogue
//
// Its rules are those of package determinism; docs/porting.md is the guide.
package main

import (
	"os"

	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/tidemarkdb/tidemark/cmd/simvet/catalogue"
	"github.com/tidemarkdb/tidemark/cmd/simvet/determinism"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "catalogue" {
		os.Exit(catalogue.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	multichecker.Main(determinism.Analyzer)
}
