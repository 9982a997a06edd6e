package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The logger passes on everything that slog demands of a handler: groups,
// attributes, values that resolve themselves.
func TestLoggerIsAProperHandler(t *testing.T) {
	var output bytes.Buffer
	rt := runtime.New(runtime.Options{Logger: slog.New(slog.NewJSONHandler(&output, nil))})
	err := slogtest.TestHandler(rt.Logger().Handler(), func() []map[string]any {
		return decodeLines(t, &output)
	})
	if err != nil {
		t.Error(err)
	}
}

func decodeLines(t *testing.T, output *bytes.Buffer) (lines []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(output.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, fields)
	}
	output.Reset()
	return lines
}

// Records carry the node and the task, live and plugged in alike.
func TestRecordsCarryNodeAndTask(t *testing.T) {
	var output bytes.Buffer
	options := runtime.Options{Node: "n", Logger: slog.New(slog.NewJSONHandler(&output, nil))}
	onBoth(t, options, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		rt.Logger().With("a", 1).WithGroup("g").InfoContext(ctx, "message", "b", 2)
		lines := decodeLines(t, &output)
		delete(lines[0], "time")
		want := []map[string]any{{
			"level": "INFO", "msg": "message", "node": "n", "a": 1.0, "g": map[string]any{"b": 2.0, "task": "main"},
		}}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// A level that the user's handler does not want is not formatted live.
func TestLiveLoggerIsSilentByDefault(t *testing.T) {
	if runtime.New(runtime.Options{}).Logger().Enabled(context.Background(), slog.LevelError) {
		t.Error("a runtime without a logger formats records")
	}
}

// Under a scheduler records have virtual time, and every one of them becomes
// part of the story, with qualified keys.
func TestSchedulerRecordsTheLog(t *testing.T) {
	var output bytes.Buffer
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{Logger: slog.New(slog.NewJSONHandler(&output, nil))})
	s.Run(rt, func(ctx context.Context) {
		_ = rt.Sleep(ctx, time.Hour)
		rt.Logger().With("a", 1).WithGroup("g").With("b", 2).DebugContext(ctx, "quiet", "c", 3)
		rt.Logger().InfoContext(ctx, "loud")
	})
	want := []runtime.Event{
		{
			Kind: runtime.EventLog, Name: "quiet", Level: slog.LevelDebug,
			Attrs: []slog.Attr{slog.Int("a", 1), slog.Int("g.b", 2), slog.Int("g.c", 3)},
		},
		{Kind: runtime.EventLog, Name: "loud"},
	}
	if diff := cmp.Diff(want, s.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	lines := decodeLines(t, &output)
	if len(lines) != 1 || lines[0]["time"] != "1970-01-01T01:00:00Z" {
		t.Errorf("records for the user: %v", lines)
	}
}
