package scenarios

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/sim"
)

// nodeName returns the name of a node by its number, from 0.
func nodeName(i int) string { return fmt.Sprintf("p%d", i+1) }

// bootNodes adds nodes p1, p2 and so on, and boots them.
func bootNodes(w *sim.World, count int, boot sim.Boot) error {
	for i := range count {
		n, err := w.Node(nodeName(i), boot)
		if err != nil {
			return err
		}
		if err := n.Boot(); err != nil {
			return err
		}
	}
	return nil
}
