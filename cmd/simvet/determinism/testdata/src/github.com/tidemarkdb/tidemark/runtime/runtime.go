// Package runtime is what the tests need of the real one.
package runtime

import "context"

// Runtime is the capability.
type Runtime struct{}

// External runs fn outside the simulation.
func (*Runtime) External(ctx context.Context, name string, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	return fn(ctx)
}
