// Package external asks the world outside.
//
//sim:deterministic
package external

import (
	"context"
	"os"

	"github.com/tidemarkdb/tidemark/runtime"
)

func read(ctx context.Context, rt *runtime.Runtime, path string) ([]byte, error) {
	return rt.External(ctx, "read", func(context.Context) ([]byte, error) { return os.ReadFile(path) })
}

func bare(path string) ([]byte, error) {
	return os.ReadFile(path) // want `os.ReadFile: .* \(os\)`
}
