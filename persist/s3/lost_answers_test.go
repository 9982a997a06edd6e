package s3_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
)

// lossy returns a store over a model that loses the first request which a function picks, and one
// that loses nothing.
func lossy(t *testing.T, isIt func(*http.Request) bool) (ours, others *s3.Store) {
	t.Helper()
	rt := runtime.New(runtime.Options{})
	model, err := newService(t.Context(), rt, service.Options{})
	must(t, err)
	isLost, way := false, model.Transport(rt)
	ours, err = openModel(t.Context(), rt, roundTripper(func(r *http.Request) (*http.Response, error) {
		if !isLost && isIt(r) {
			isLost = true
			return nil, errDropped
		}
		return way.RoundTrip(r)
	}), s3.Options{})
	must(t, err)
	others, err = openModel(t.Context(), rt, way, s3.Options{})
	must(t, err)
	return ours, others
}

// TestAReadingThatWasLostLeavesNothingOpen protects the class of what comes after it: it can not
// have had an effect. A store that lists no versions, as the model, has nothing to bring back, and
// says so also if it was asked twice.
func TestAReadingThatWasLostLeavesNothingOpen(t *testing.T) {
	store, _ := lossy(t, func(r *http.Request) bool { return r.URL.Query().Has("versions") })
	if err := store.Blob().Restore(t.Context(), "s1/none"); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestATruncationCountsWhatItHasRemoved protects the count where a request is lost and somebody else
// has truncated before: nothing was left to remove.
func TestATruncationCountsWhatItHasRemoved(t *testing.T) {
	isArmed := false
	ours, others := lossy(t, func(r *http.Request) bool {
		return isArmed && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/heads/")
	})
	extend(t, ours.Consensus(), 1, 9)
	if deleted, err := others.Consensus().Truncate(t.Context(), shard, 5); deleted != 4 || err != nil {
		t.Errorf("the first: %d, %v", deleted, err)
	}
	isArmed = true
	if deleted, err := ours.Consensus().Truncate(t.Context(), shard, 5); deleted != 0 || err != nil {
		t.Errorf("the second: %d, %v", deleted, err)
	}
	wantVersions(t, ours.Consensus(), 5, 9)
}
