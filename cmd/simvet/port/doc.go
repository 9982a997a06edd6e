// Package port rewrites ordinary Go to package runtime: go statements,
// channels and selects, the primitives of package sync, clocks and timers,
// context.With... It works on one package, with its types, and produces text
// edits, so that comments and layout stay.
//
// # What is mechanical
//
// A construct is rewritten where the *runtime.Runtime that it needs is in
// reach: as a parameter or local variable, or as a field of one, such as the
// receiver's (three fields deep at most). The convention is a field called rt.
// Elsewhere a line above the statement says what is to be done by hand:
//
//	// sim:port no *runtime.Runtime in scope: use rt.Now()
//
// Types change with their uses: a field "mu sync.Mutex" becomes "mu
// *runtime.Mutex", "&x.mu" becomes "x.mu", and the composite literals of its
// struct construct it, because a zero value would not do.
//
// # What it preserves
//
// A channel operation of Go cannot be cancelled, so a bare send or receive
// gets context.Background(), also where a ctx is in scope: giving it one, and
// looking at the error, is for people. In a select, a case that receives from
// ctx.Done() becomes the ctx of the operation. The arguments of a go statement
// are evaluated by the go statement, in variables of their own where they might
// change. A select with more than four cases, or with both a default and a
// ctx.Done(), is left, with a line.
//
// # What it does not know
//
// Channels that come from other packages stay native, and so do the places
// where one of ours is given away; both get a line. Struct values that are made
// without a literal (new(T), var x T), package variables and literals of
// structs nested in others get a line too. The names of interfaces of other
// packages are not looked at: a method that had to have a channel in its
// signature no longer fits. The compiler finds these.
package port
