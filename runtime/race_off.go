//go:build !race

package runtime

// stamp tells the race detector what comes after what; without one it is nothing.
type stamp struct{}

func (*stamp) set() {}

func (*stamp) add() {}

func (stamp) observe() {}

// detached returns a string that the race detector knows nothing of.
func detached(s string) string { return s }

// aside calls f, which touches state that tasks share and that orders none of
// them.
func (*Runtime) aside(f func()) { f() }
