package report

import (
	"path"
	"strings"
)

// machinery lists prefixes of functions that say nothing about the program.
var machinery = []string{
	"github.com/tidemarkdb/tidemark/runtime.", "github.com/tidemarkdb/tidemark/sim.",
	"github.com/tidemarkdb/tidemark/sim/simtest.", "runtime.", "runtime/debug.", "iter.", "panic(", "created by ",
	"goroutine ",
}

// programFrames reduces a stack to the frames of the program, one a line. What
// it does not understand it leaves as it is.
func programFrames(stack string) string {
	var b strings.Builder
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	for i := 0; i < len(lines); i++ {
		function := strings.TrimSpace(lines[i])
		if i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "\t") {
			if !isMachinery(function) && function != "" {
				b.WriteString(function + "\n")
			}
			continue
		}
		i++
		if isMachinery(function) {
			continue
		}
		place, _, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
		b.WriteString("at " + shortFunction(function) + "  " + path.Base(path.Dir(place)) + "/" + path.Base(place) + "\n")
	}
	if b.Len() == 0 {
		return stack
	}
	return strings.TrimRight(b.String(), "\n")
}

func isMachinery(function string) bool {
	for _, prefix := range machinery {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// shortFunction cuts the path of the package and the arguments.
func shortFunction(function string) string {
	if i := strings.LastIndexByte(function, '('); i > 0 {
		function = function[:i]
	}
	return function[strings.LastIndexByte(function, '/')+1:]
}
