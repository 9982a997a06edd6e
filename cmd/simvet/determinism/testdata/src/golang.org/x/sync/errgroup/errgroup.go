// Package errgroup stands for the real one.
package errgroup

type Group struct{}

func (*Group) Wait() error { return nil }
