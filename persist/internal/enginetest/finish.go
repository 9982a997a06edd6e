package enginetest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Finish checks the shard when all processes are dead, brings it to its end, and looks at what is left:
// one object and two versions, but for orphans of the dead. The client is closed afterwards.
func (w *Witness) Finish(t *testing.T, rt *runtime.Runtime, client *persist.Client, random *rand.Rand) {
	t.Helper()
	defer client.Close()
	p, err := begin(t.Context(), client, Role{})
	must(t, err)
	_, err = p.checkAll(t.Context(), w.upper, random)
	must(t, err)
	upper, err := p.upper(t.Context()) // after commits, which whatever was under way has lost against
	must(t, err)
	unclear := w.checkAppends(t, upper)
	usage, err := p.usage(t.Context())
	must(t, err)
	t.Logf("%d appends acknowledged, %d unclear; %d checks, %d further reads as the model says, "+
		"%d readers too slow, %d orphans swept",
		len(w.acknowledged), unclear, w.checks, w.reads, w.expired, w.swept)
	t.Logf("%d batches merged into %d; log from %v to %v; %+v current, %+v older, %+v unreferenced",
		len(w.acknowledged)+unclear, len(usage.Newest.Batches), usage.Earliest, usage.Newest.SeqNo,
		usage.Current, usage.Older, usage.Unreferenced)

	p.finalize(t, rt)
	usage, err = p.usage(t.Context())
	must(t, err)
	versions := usage.Newest.SeqNo - usage.Earliest + 1
	if !usage.Newest.IsFinalized || usage.Current.Objects != 1 || usage.Older.Objects != 0 || versions > 2 {
		t.Errorf("what is left of a finalized shard: %+v", usage)
	}
	t.Logf("left: %d versions, %d rollup, %d orphans of %d bytes",
		versions, usage.Current.Objects, usage.Unreferenced.Objects, usage.Unreferenced.Bytes)
}

// finalize closes a shard, waits until the leases of the dead have run out, and gives
// up its contents.
func (p *process) finalize(t *testing.T, rt *runtime.Runtime) {
	t.Helper()
	w, err := p.client.OpenWriter(t.Context(), shard, persist.WriterOptions{Purpose: "end"})
	must(t, err)
	must(t, w.AdvanceUpper(t.Context(), frontier.Empty()))
	s, err := p.client.OpenShard(t.Context(), shard)
	must(t, err)
	for deadline := rt.Now().Add(time.Minute); ; {
		_, err := p.owner.CompareAndDowngrade(t.Context(), opaque, opaque, frontier.Empty())
		must(t, err)
		err = s.Finalize(t.Context())
		var open *persist.NotClosedError
		if !errors.As(err, &open) {
			must(t, err)
			return
		}
		if rt.Now().After(deadline) {
			t.Fatalf("not closed within a minute: %v", err)
		}
		must(t, rt.Sleep(t.Context(), 50*time.Millisecond))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
