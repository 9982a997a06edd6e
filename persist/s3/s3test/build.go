package s3test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// serverModule is the module of the server, in the module of this package.
const serverModule = "persist/s3/internal/s3server"

// build returns the path of the server, which the Go tool keeps in its cache and makes if it
// is not there.
var build = sync.OnceValues(func() (string, error) {
	module, err := findModule()
	if err != nil {
		return "", err
	}
	lock, err := lockFile(filepath.Join(os.TempDir(), fmt.Sprintf("tidemark-s3server-%d.lock", os.Getuid())), true)
	if err != nil {
		return "", fmt.Errorf("lock the build of the server: %w", err)
	}
	defer lock.Close()
	command := exec.Command("go", "-C", module, "tool", "-n", "versitygw")
	command.Env = append(environment(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	var problem bytes.Buffer
	command.Stderr = &problem
	path, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("build the server: %w: %s", err, lastLines(problem.String()))
	}
	return strings.TrimSpace(string(path)), nil
})

// findModule returns the folder of the module of the server. It looks above the folder of
// the test, which the Go tool makes the current one.
func findModule() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		module := filepath.Join(folder, filepath.FromSlash(serverModule))
		if _, err := os.Stat(filepath.Join(module, "go.mod")); err == nil {
			return module, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("the source of the module that builds the server is not above the current folder")
		}
		folder = parent
	}
}

// environment returns that of this process without what is about how the test was built.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"GOARCH", "GOOS", "GOEXPERIMENT", "GOCOVERDIR"}, name)
	})
}

// lastLines returns the end of what a command has printed.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
