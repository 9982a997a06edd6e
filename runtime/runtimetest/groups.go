package runtimetest

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkdb/tidemark/runtime"
)

const noGroupPanics = "errgroup does not take over panics"

var groupCases = []Case{
	{
		Name:    "group/wait-returns-nil",
		Allowed: []string{"12 ok canceled", "21 ok canceled"},
		Native: func() string {
			g, ctx := errgroup.WithContext(context.Background())
			var j journal
			g.Go(func() error { j.note("1"); return nil })
			g.Go(func() error { j.note("2"); return nil })
			err := g.Wait()
			return words(j.String(), name(err), name(ctx.Err()))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			var j journal
			g.Go("1", func(context.Context) error { j.note("1"); return nil })
			g.Go("2", func(context.Context) error { j.note("2"); return nil })
			err := g.Wait()
			return words(j.String(), name(err), name(g.Context().Err()))
		},
	},
	{
		Name:    "group/first-error-wins",
		Allowed: []string{"a a", "b b"},
		Native: func() string {
			g, ctx := errgroup.WithContext(context.Background())
			g.Go(func() error { return errA })
			g.Go(func() error { return errB })
			return words(g.Wait(), context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			g.Go("a", func(context.Context) error { return errA })
			g.Go("b", func(context.Context) error { return errB })
			return words(g.Wait(), context.Cause(g.Context()))
		},
	},
	{
		Name:    "group/error-cancels-the-others",
		Allowed: []string{"boom canceled"},
		Native: func() string {
			g, ctx := errgroup.WithContext(context.Background())
			var other error
			g.Go(func() error { return errBoom })
			g.Go(func() error { other = sleepNative(ctx, never); return other })
			return words(g.Wait(), name(other))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			var other error
			g.Go("fails", func(context.Context) error { return errBoom })
			g.Go("sleeps", func(ctx context.Context) error { other = rt.Sleep(ctx, never); return other })
			return words(g.Wait(), name(other))
		},
	},
	{
		Name:    "group/error-or-cancel-from-outside",
		Allowed: []string{"boom", "canceled"},
		Native: func() string {
			parent, cancel := context.WithCancel(context.Background())
			g, ctx := errgroup.WithContext(parent)
			g.Go(func() error { return errBoom })
			g.Go(func() error { return sleepNative(ctx, never) })
			cancel()
			return name(g.Wait())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := rt.WithCancel(ctx)
			g := rt.NewGroup(parent)
			g.Go("fails", func(context.Context) error { return errBoom })
			g.Go("sleeps", func(ctx context.Context) error { return rt.Sleep(ctx, never) })
			cancel()
			return name(g.Wait())
		},
	},
	{
		Name:    "group/tasks-may-start-tasks",
		Allowed: []string{"oi", "io"},
		Native: func() string {
			var g errgroup.Group
			var j journal
			g.Go(func() error {
				g.Go(func() error { j.note("i"); return nil })
				j.note("o")
				return nil
			})
			must(g.Wait())
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			var j journal
			g.Go("outer", func(context.Context) error {
				g.Go("inner", func(context.Context) error { j.note("i"); return nil })
				rt.Yield()
				j.note("o")
				return nil
			})
			must(g.Wait())
			return j.String()
		},
	},
	{
		Name:     "group/panic-reaches-wait",
		Allowed:  []string{"boom canceled"},
		NoNative: noGroupPanics,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			var other error
			g.Go("panics", func(context.Context) error { panic(errBoom) })
			g.Go("sleeps", func(ctx context.Context) error { other = rt.Sleep(ctx, never); return other })
			return words(groupPanic(g), name(other))
		},
	},
	{
		Name:     "group/no-error-hides-a-panic",
		Allowed:  []string{"boom a", "boom panic"},
		NoNative: noGroupPanics,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewGroup(ctx)
			g.Go("panics", func(context.Context) error { panic(errBoom) })
			g.Go("fails", func(context.Context) error { return errA })
			panicked := groupPanic(g)
			if cause := context.Cause(g.Context()); cause != errA { //nolint:errorlint // passed on unwrapped
				return panicked + " panic"
			}
			return panicked + " a"
		},
	},
}

// groupPanic waits for a group and returns the value that a task panicked
// with, as the message of Wait's own panic begins with it.
func groupPanic(g *runtime.Group) string {
	outcome := caught(func() { _ = g.Wait() })
	value, _, _ := strings.Cut(strings.TrimPrefix(outcome, "panic: "), " [task ")
	return value
}
