package trace_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim/trace"
)

// events is a small run of everything that a picture shows.
var pictured = []trace.Event{
	{Step: 1, Task: "main", Kind: trace.Start, Text: "starts"},
	{Step: 2, Node: "world", Kind: trace.World, Text: "boot a"},
	{Step: 3, Node: "a", Task: "main", Kind: trace.Send, Text: "sends 1 to b", Message: 1, Peer: "b", Location: "x/y.go:3"},
	{Step: 4, Node: "a", Task: "main", Kind: trace.End, Text: "ends"},
	{Step: 5, Node: "world", Kind: trace.Fault, Text: "cut a>b", Message: 7, Peer: "a>b"},
	{Step: 6, Node: "b", Kind: trace.Drop, Text: "1 from a is lost", Message: 1, Peer: "a"},
	{Step: 7, Node: "a", Task: "second", Kind: trace.Start, Text: "starts", Preempted: true},
	{Step: 7, Node: "b", Task: "main", Kind: trace.Wait, Text: "receive", Time: time.Second},
	{Step: 8, Node: "world", Kind: trace.FaultEnd, Text: "over: cut a>b", Message: 7},
	{Step: 9, Node: "b", Task: "main", Kind: trace.Verdict, Text: "violation </script><script>alert(1)</script>"},
}

// draw returns the page and what it draws.
func draw(t *testing.T, all []trace.Event) (page string, diagram map[string]any) {
	t.Helper()
	var b bytes.Buffer
	p := trace.Page{Title: "fixture @ <1>", Verdict: "no & way", Failed: true, Again: "simrun replay 'x'"}
	if err := trace.WriteHTML(&b, p, all); err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^const data = (.*);$`).FindStringSubmatch(b.String())
	if match == nil {
		t.Fatal("no data in the page")
	}
	if err := json.Unmarshal([]byte(match[1]), &diagram); err != nil {
		t.Fatal(err)
	}
	return b.String(), diagram
}

// TestPageStandsAlone protects people who open it years later, without a network: nothing
// is loaded, and no text of the run can get out of its place.
func TestPageStandsAlone(t *testing.T) {
	page, _ := draw(t, pictured)
	if found := regexp.MustCompile(`(?i)https?://|src=|@import|<link`).FindString(page); found != "" {
		t.Errorf("the page loads something: %s", found)
	}
	if strings.Contains(page, "alert(1)</script>") || strings.Count(page, "<script>") != 1 {
		t.Error("a text of the run is part of the program of the page")
	}
	if !strings.Contains(page, "fixture @ &lt;1&gt;") || !strings.Contains(page, "no &amp; way") {
		t.Error("title and verdict")
	}
}

// TestDiagram protects what is drawn: nodes, lanes that are used again, arrows of messages,
// bands of faults over the nodes that they hit.
func TestDiagram(t *testing.T) {
	_, d := draw(t, pictured)
	plain := func(v any) string { return fmt.Sprint(v) }
	for name, want := range map[string]string{
		"nodes":  "[map[count:1 first:0 name:] map[count:1 first:1 name:a] map[count:1 first:2 name:b]]",
		"arrows": "[[2 5 1]]",
		"bands":  "[map[first:4 last:8 nodes:[1 2] text:cut a>b]]",
	} {
		if diff := cmp.Diff(want, plain(d[name])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	lanes, _ := d["lanes"].([]any)
	spans, _ := lanes[1].(map[string]any)["spans"].([]any)
	if len(lanes) != 3 || len(spans) != 2 { // two tasks of a, one after the other
		t.Errorf("lanes %v", lanes)
	}
	rows, _ := d["events"].([]any)
	if row, _ := rows[1].([]any); len(rows) != len(pictured) || row[2] != -1.0 {
		t.Errorf("%d rows; the world has no lane: %v", len(rows), row)
	}
}

// TestEmptyRunHasAPage protects replays that tell nothing.
func TestEmptyRunHasAPage(t *testing.T) {
	if page, _ := draw(t, nil); !strings.Contains(page, "</html>") {
		t.Error("half a page")
	}
}

// BenchmarkWriteHTML measures large runs.
func BenchmarkWriteHTML(b *testing.B) {
	var many []trace.Event
	for i := range 50_000 {
		many = append(many, trace.Event{
			Step: uint64(i), Time: time.Duration(i) * time.Microsecond, Node: fmt.Sprintf("n%d", i%5), Task: fmt.Sprintf("main/task#%d", i%50),
			Text: fmt.Sprintf("lock store.mutex#%d", i%100), Location: "store/store.go:31",
		})
	}
	var size bytes.Buffer
	for b.Loop() {
		size.Reset()
		if err := trace.WriteHTML(&size, trace.Page{}, many); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size.Len())/1e6, "MB")
}
