package scenarios

import (
	_ "embed"

	"github.com/tidemarkdb/tidemark/sim/sweep"
)

//go:generate go run ../cmd/simvet catalogue -o catalogue.txt .

// catalogueText is generated from the source; a test keeps it so.
//
//go:embed catalogue.txt
var catalogueText string

// catalogue returns the assertions of this package and of all that it imports.
func catalogue() sweep.Catalogue {
	c, _ := sweep.ParseCatalogue(catalogueText) // a test reads it
	return c
}
