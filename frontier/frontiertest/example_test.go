package frontiertest_test

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// In a test the generators are drawn inside rapid.Check; fixed seeds do here.
func Example() {
	for seed := range 100 {
		a, b := frontiertest.Antichain().Example(2*seed), frontiertest.Antichain().Example(2*seed+1)
		if !a.LessEqual(a.Join(b)) {
			fmt.Printf("joining %v makes %v go back\n", b, a)
			return
		}
	}
	fmt.Println("no frontier goes back when it is joined")
	// Output: no frontier goes back when it is joined
}
