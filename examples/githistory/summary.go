package main

import (
	"cmp"
	"slices"
	"strings"
)

// total is how much there is in a tree, or in a part of it.
type total struct{ files, lines int }

func (t total) plus(o total) total { return total{t.files + o.files, t.lines + o.lines} }

// part is what a tree has in one of its directories, at any depth.
type part struct {
	name string
	total
}

// topLevel is the name of the part that is in no directory.
const topLevel = "(top level)"

// summarise adds up rows, and those of each directory at the top, the largest
// first. What is beyond partsMax directories becomes one part.
func summarise(rows []row, partsMax int) (all total, parts []part) {
	byName := make(map[string]total)
	for _, r := range rows {
		name, _, isBelow := strings.Cut(r.path, "/")
		if name += "/"; !isBelow {
			name = topLevel
		}
		one := total{files: 1, lines: r.lines}
		byName[name] = byName[name].plus(one)
		all = all.plus(one)
	}
	for name, t := range byName {
		parts = append(parts, part{formatName(name), t})
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(b.files, a.files), cmp.Compare(a.name, b.name))
	})
	if len(parts) > partsMax {
		rest := part{name: formatCount(len(parts)-partsMax+1) + " others"}
		for _, p := range parts[partsMax-1:] {
			rest.total = rest.plus(p.total)
		}
		parts = append(parts[:partsMax-1], rest)
	}
	return all, parts
}
