// Package native has some programs of package zoo in plain Go, with their bugs, to
// measure what "go test -race -count" finds of them. There is nothing in it but tests,
// and those that run a bug are skipped unless they are asked for:
//
//	ZOO_NATIVE=1 go test -race -count=1000 -failfast -run 'TestBug/^ticket-sale$' ./sim/zoo/native
//	ZOO_NATIVE=measure go test -race -v -timeout 1h -run TestMeasure ./sim/zoo/native
//
// The second one repeats the first for every program, and prints how many runs it took.
//
// A run fails if the race detector reports, if it panics, if it does not end within
// two seconds, if its result is wrong, or if it leaves goroutines behind. What is a
// scheduling point on a resource in the zoo is a short critical section here.
package native
