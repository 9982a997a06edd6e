// Package maps ranges over maps.
//
//sim:deterministic
package maps

import (
	"fmt"
	"maps"
	"slices"
	"sort"
)

func ordered(m map[string]int, visit func(string)) (string, error) {
	for k := range m { // want `the order of a range over a map differs between runs`
		visit(k)
	}
	for k, v := range m { // want `the order of a range`
		if v > 1 {
			return k, nil
		}
	}
	for k, v := range m { // want `the order of a range`
		if v < 0 {
			return "", fmt.Errorf("%s is negative", k)
		}
	}
	var unsorted []string
	for k := range m { // want `the order of a range`
		unsorted = append(unsorted, k)
	}
	var sorted, other []string
	for k := range m { // want `the order of a range`
		other = append(other, k)
	}
	slices.Sort(sorted)
	sum := 0.0
	for _, v := range m { // want `the order of a range`
		sum += float64(v) // the rounding depends on the order
	}
	last := ""
	for k := range m { // want `the order of a range`
		last = k
	}
	count := 0
	for range m {
		count++
	}
	for _, v := range m { // want `the order of a range`
		count += v
		if count > 10 {
			break // how far it got depends on the order
		}
	}
	for k := range maps.Keys(m) { // want `maps.Keys has no order: use slices.Sorted\(maps.Keys\(m\)\) \(map-keys\)`
		visit(k)
	}
	list := slices.Collect(maps.Values(m)) // want `maps.Values has no order`
	_ = list
	return last, nil
}

func indifferent(m map[string]int, visit func(string)) bool {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var values []int
	for _, v := range m {
		if v > 1 {
			values = append(values, 2*v)
		}
	}
	slices.Sort(values)
	total, least, most, found := 0, 1<<62, 0, false
	for k, v := range m {
		total += v + len(k)
		if v < least {
			least = v
		}
		most = max(most, v)
		if v == 7 {
			found = true
		}
	}
	inverse, copied := make(map[int]bool), make(map[string]int)
	for k, v := range m {
		inverse[v] = true
		copied[k] = v
		if v == 0 {
			delete(m, k)
			continue
		}
	}
	for _, v := range m {
		if v < 0 {
			return true
		}
	}
	for range m {
		visit("alike")
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		visit(k)
	}
	for v := range maps.Values(m) {
		total += v
	}
	collected := slices.Collect(maps.Keys(m))
	slices.Sort(collected)
	_ = maps.Collect(maps.All(m))
	return found && total > least
}
