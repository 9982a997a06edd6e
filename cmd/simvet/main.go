// Simvet finds direct nondeterminism in packages that say //sim:deterministic
// above their package clause, and rewrites ordinary Go to package runtime:
//
//	simvet ./...                              # or: go vet -vettool=$(which simvet) ./...
//	simvet -fix ./mypackage                   # apply the rewriting; -fix -diff shows it
//
// Its rules are those of package determinism; docs/porting.md is the guide.
package main

import (
	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/tidemarkdb/tidemark/cmd/simvet/determinism"
)

func main() { multichecker.Main(determinism.Analyzer) }
