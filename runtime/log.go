package runtime

import (
	"context"
	"log/slog"
)

// Logger returns the logger of the runtime. Its records carry the node and,
// when a task's context is given, the task. Under a scheduler they carry
// virtual time and become part of the story.
func (rt *Runtime) Logger() *slog.Logger { return rt.logger }

func newLogger(rt *Runtime) *slog.Logger {
	next := slog.DiscardHandler
	if rt.options.Logger != nil {
		next = rt.options.Logger.Handler()
	}
	if rt.options.Node != "" {
		next = next.WithAttrs([]slog.Attr{slog.String("node", rt.options.Node)})
	}
	return slog.New(&logHandler{rt: rt, next: next})
}

// logHandler puts the task and, under a scheduler, the virtual time into a
// record before it hands it on.
type logHandler struct {
	rt     *Runtime
	next   slog.Handler
	prefix string      // the open groups, each with a dot behind it
	attrs  []slog.Attr // what WithAttrs collected, for the scheduler's record
}

// Enabled reports true under a scheduler, which records every level.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.rt.sched != nil || h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.rt.sched != nil {
		if !r.Time.IsZero() {
			r.Time = h.rt.Now()
		}
		h.record(r)
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	if t, ok := ctx.Value(taskKey{}).(*Task); ok {
		r = r.Clone()
		r.AddAttrs(slog.String("task", t.Path()))
	}
	return h.next.Handle(ctx, r)
}

func (h *logHandler) record(r slog.Record) {
	attrs := h.attrs[:len(h.attrs):len(h.attrs)]
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.qualify(a))
		return true
	})
	h.rt.sched.Record(Event{Kind: EventLog, Name: r.Message, Level: r.Level, Attrs: attrs})
}

func (h *logHandler) qualify(a slog.Attr) slog.Attr {
	a.Key = h.prefix + a.Key
	return a
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	child := *h
	child.next = h.next.WithAttrs(attrs)
	child.attrs = h.attrs[:len(h.attrs):len(h.attrs)]
	for _, a := range attrs {
		child.attrs = append(child.attrs, h.qualify(a))
	}
	return &child
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	child := *h
	child.next = h.next.WithGroup(name)
	if name != "" {
		child.prefix = h.prefix + name + "."
	}
	return &child
}
