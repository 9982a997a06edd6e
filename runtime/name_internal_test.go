package runtime

import "testing"

// TestNamesOfClosuresDoNotDependOnInlining protects identities, hashes and tapes:
// the symbol of a closure changes with the compiler's choices. It is internal
// because no program can choose them.
func TestNamesOfClosuresDoNotDependOnInlining(t *testing.T) {
	for symbol, want := range map[string]string{
		"example.com/bank.NewAccount":                     "example.com/bank.NewAccount",
		"example.com/bank.(*Account).Open":                "example.com/bank.(*Account).Open",
		"main.main":                                       "main.main",
		"example.com/bank.newThing.func1":                 "newThing.func",
		"example.com/other_test.TestInl.func1.newThing.2": "newThing.func",
		"example.com/bank.(*Account).Open.func1":          "(*Account).Open.func",
		"example.com/other.Run.(*Account).Open.func3":     "(*Account).Open.func",
		"example.com/bank.newThing.func1.2":               "newThing.func",
		"example.com/bank.newThing.func1-range1":          "newThing.func",
		"example.com/bank.newThing.gowrap1":               "newThing.func",
		"example.com/bank.newThing.deferwrap2":            "newThing.func",
		"example.com/bank.function1":                      "example.com/bank.function1",
		"example.com/bank.NewBox[...]":                    "example.com/bank.NewBox[...]",
	} {
		if got := stableName(symbol); got != want {
			t.Errorf("%s: got %s, want %s", symbol, got, want)
		}
	}
}
