package determinism_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/tidemarkdb/tidemark/cmd/simvet/determinism"
)

// TestRules protects every rule: what it reports with which advice, what it
// leaves alone, and how it is suppressed. Packages that have not opted in, and
// test files of those that have, are left alone altogether.
func TestRules(t *testing.T) {
	packages := []string{"rules", "maps", "allows", "optout", "testfiles", "external"}
	if !testing.Short() {
		packages = append(packages, "web") // loads package net/http from source
	}
	analysistest.Run(t, analysistest.TestData(), determinism.Analyzer, packages...)
}

// TestSortingIsSuggested protects the fix of ranges over maps.
func TestSortingIsSuggested(t *testing.T) {
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), determinism.Analyzer, "fixes")
}
