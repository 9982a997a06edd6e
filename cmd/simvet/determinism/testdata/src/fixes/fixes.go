// Package fixes has ranges that can be sorted.
//
//sim:deterministic
package fixes

import (
	"fmt"
)

type scores struct{ m map[string]int }

func (s scores) print() {
	for name, score := range s.m { // want `the order of a range`
		fmt.Println(name, score)
	}
	for name := range s.m { // want `the order of a range`
		fmt.Println(name)
	}
	for _, score := range s.m { // want `the order of a range`
		fmt.Println(score)
	}
}
