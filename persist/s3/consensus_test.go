package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

const shard = "s00000000-0000-0000-0000-000000000001"

// extend appends versions up to last to what has first-1 of them.
func extend(t *testing.T, c persist.Consensus, first, last persist.SeqNo) {
	t.Helper()
	for n := first; n <= last; n++ {
		next := persist.Versioned{SeqNo: n, Data: fmt.Appendf(nil, "version %d", n)}
		if ok, err := c.CompareAndSet(t.Context(), shard, n-1, next); !ok || err != nil {
			t.Fatalf("version %d: %v, %v", n, ok, err)
		}
	}
}

// wantVersions fails unless a scan returns these versions.
func wantVersions(t *testing.T, c persist.Consensus, first, last persist.SeqNo) {
	t.Helper()
	got, err := c.Scan(t.Context(), shard, 0, 10_000)
	must(t, err)
	var want []persist.Versioned
	for n := first; n <= last; n++ {
		want = append(want, persist.Versioned{SeqNo: n, Data: fmt.Appendf(nil, "version %d", n)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// TestRequestsOfVersions protects the bill and the latency: one request for a commit, and one
// without an answer's body for a look at what has not changed.
func TestRequestsOfVersions(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	var count counter
	view := func() *s3.Consensus {
		store, err := opened(t, server, prefix, count.wrap, s3.Options{Probe: s3.ProbeNone})
		must(t, err)
		count.take()
		return store.Consensus()
	}
	want := func(what string, want map[string]int) {
		t.Helper()
		if diff := cmp.Diff(want, count.take()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	c := view()
	extend(t, c, 1, 1)
	want("the first version", map[string]int{"GET": 1, "PUT": 1})
	extend(t, c, 2, 11)
	want("ten versions", map[string]int{"PUT": 10})
	_, _, err := c.Head(t.Context(), shard)
	must(t, err)
	want("head", map[string]int{"GET": 1})
	wantVersions(t, c, 1, 11)
	want("scan", map[string]int{"GET": 1})
	cold := view()
	wantVersions(t, cold, 1, 11)
	want("scan by another process", map[string]int{"GET": 1})
	extend(t, cold, 12, 12)
	want("a commit after it", map[string]int{"PUT": 1})
	ok, err := c.CompareAndSet(t.Context(), shard, 11, persist.Versioned{SeqNo: 12})
	if ok || err != nil {
		t.Errorf("a lost race: %v, %v", ok, err)
	}
	want("a lost race", map[string]int{"PUT": 1, "GET": 1})
	extend(t, view(), 13, 13)
	want("a commit by a process that knows nothing", map[string]int{"GET": 1, "PUT": 1})
	extend(t, cold, 14, 129)
	want("many versions", map[string]int{"PUT": 116 + 2, "GET": 1}) // a look at version 13, a segment
	wantVersions(t, view(), 1, 129)
	want("scan of what is in a segment", map[string]int{"GET": 2})
	_, err = cold.Truncate(t.Context(), shard, 120)
	must(t, err)
	want("truncate", map[string]int{"PUT": 1, "DELETE": 1})
	must(t, cold.ListKeys(t.Context(), func(string) error { return nil }))
	want("list of keys", map[string]int{"LIST": 1})
}

// TestAnUnchangedHeadIsNotSentAgain protects those who poll.
func TestAnUnchangedHeadIsNotSentAgain(t *testing.T) {
	var statuses []int
	c := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/heads/") {
				statuses = append(statuses, answer.StatusCode)
			}
			return answer, err
		})
	}, s3.Options{}).Consensus()
	extend(t, c, 1, 2)
	for range 2 {
		newest, found, err := c.Head(t.Context(), shard)
		if newest.SeqNo != 2 || !found || err != nil {
			t.Errorf("got %v, %v, %v", newest, found, err)
		}
		wantVersions(t, c, 1, 2)
	}
	if diff := cmp.Diff([]int{304, 304, 304, 304}, statuses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOldVersionsMoveToSegments protects long logs: what is read is the same, what is truncated
// leaves no object, and what a crash has left is swept.
func TestOldVersionsMoveToSegments(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	view := func() *s3.Consensus {
		store, err := opened(t, server, prefix, nil, s3.Options{Probe: s3.ProbeNone})
		must(t, err)
		return store.Consensus()
	}
	segments := func() (found int) {
		for _, name := range names(t, server, prefix) {
			if strings.HasPrefix(name, "segments/"+shard+"!/") {
				found++
			}
		}
		return found
	}
	c := view()
	extend(t, c, 1, 350)
	if n := segments(); n != 3 {
		t.Errorf("%d segments, want 3", n)
	}
	wantVersions(t, view(), 1, 350)
	deleted, err := view().Truncate(t.Context(), shard, 200)
	if deleted != 199 || err != nil {
		t.Errorf("truncate: %d, %v", deleted, err)
	}
	wantVersions(t, c, 200, 350)
	orphan := fmt.Sprintf("%s/segments/%s!/%019d-%019d-%032x", prefix, shard, 1, 97, 7)
	place(t, server, orphan, "left by a crash")
	before := segments()
	removed, err := view().Sweep(t.Context(), shard)
	if removed != 1 || err != nil || segments() != before-1 {
		t.Errorf("sweep: %d, %v, and %d of %d segments are left", removed, err, segments(), before)
	}
	wantVersions(t, view(), 200, 350)
	extend(t, c, 351, 352)
}

// TestLargeVersions protects heads that hold more than they should.
func TestLargeVersions(t *testing.T) {
	store := fresh(t, nil, s3.Options{})
	c := store.Consensus()
	for n := range persist.SeqNo(40) {
		data := bytes.Repeat([]byte{byte(n)}, 200_000)
		ok, err := c.CompareAndSet(t.Context(), shard, n, persist.Versioned{SeqNo: n + 1, Data: data})
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	found, err := c.Scan(t.Context(), shard, 1, 100)
	if len(found) != 40 || err != nil || found[20].Data[0] != 20 || len(found[20].Data) != 200_000 {
		t.Errorf("%d versions, %v", len(found), err)
	}
}

// way is what becomes of a request.
type way func(r *http.Request, next http.RoundTripper) (*http.Response, error)

// once lets the first request to write a head go another way.
func once(other way) func(http.RoundTripper) http.RoundTripper {
	isDone := false
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/heads/") && !isDone {
				isDone = true
				return other(r, next)
			}
			return next.RoundTrip(r)
		})
	}
}

// TestACommitKnowsItsOutcome protects exactly-once: whatever became of the first request, the
// call knows in the end, and says so.
func TestACommitKnowsItsOutcome(t *testing.T) {
	lose := func(r *http.Request, next http.RoundTripper, instead func() (*http.Response, error)) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
		return instead()
	}
	for name, c := range map[string]struct {
		other     way
		competes  bool // another process commits meanwhile
		committed bool
	}{
		"the request is lost": {func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, errDropped
		}, false, true},
		"the answer is lost": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return lose(r, next, func() (*http.Response, error) { return nil, errDropped })
		}, false, true},
		"it is refused after it was done": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return lose(r, next, func() (*http.Response, error) { return failing(r, 412, "PreconditionFailed"), nil })
		}, false, true},
		"an error after it was done": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return lose(r, next, func() (*http.Response, error) { return failing(r, 500, "InternalError"), nil })
		}, false, true},
		"a conflict": {func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return failing(r, 409, "ConditionalRequestConflict"), nil
		}, false, true},
		"a conflict after it was done": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return lose(r, next, func() (*http.Response, error) { return failing(r, 409, "ConditionalRequestConflict"), nil })
		}, false, true},
		"an expired token": {func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return failing(r, 400, "ExpiredToken"), nil
		}, false, true},
		"another one is first": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(r)
		}, true, false},
		"another one is first, unheard": {func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return lose(r, next, func() (*http.Response, error) { return nil, errDropped })
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := s3test.Start(t)
			prefix := created(t, server)
			other, err := opened(t, server, prefix, nil, s3.Options{Probe: s3.ProbeNone})
			must(t, err)
			extend(t, other.Consensus(), 1, 3)
			wrap := once(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if c.competes {
					extend(t, other.Consensus(), 4, 5)
				}
				return c.other(r, next)
			})
			ours, err := opened(t, server, prefix, wrap, s3.Options{Probe: s3.ProbeNone})
			must(t, err)
			next := persist.Versioned{SeqNo: 4, Data: []byte("version 4")}
			committed, err := ours.Consensus().CompareAndSet(t.Context(), shard, 3, next)
			if committed != c.committed || err != nil {
				t.Errorf("got %v, %v; want %v", committed, err, c.committed)
			}
			last := persist.SeqNo(4)
			if c.competes {
				last = 5
			}
			wantVersions(t, other.Consensus(), 1, last)
		})
	}
}

// TestACommitThatNobodyCanTellOfIsIndeterminate protects exactly-once: a refusal of the looking
// says nothing about the writing.
func TestACommitThatNobodyCanTellOfIsIndeterminate(t *testing.T) {
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"no answers": func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				if err == nil && strings.Contains(r.URL.Path, "/heads/") {
					_ = answer.Body.Close()
					return nil, errDropped
				}
				return answer, err
			})
		},
		"no permission to look": once(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return nil, errDropped
		}),
	} {
		t.Run(name, func(t *testing.T) {
			store := fresh(t, func(next http.RoundTripper) http.RoundTripper {
				wrapped := wrap(next)
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/heads/") && name == "no permission to look" {
						return failing(r, 403, "AccessDenied"), nil
					}
					return wrapped.RoundTrip(r)
				})
			}, s3.Options{Limits: s3.Limits{Operation: 100 * time.Millisecond}})
			_, err := store.Consensus().CompareAndSet(t.Context(), shard, 0, persist.Versioned{SeqNo: 1})
			var unknown *s3.IndeterminateError
			if !errors.As(err, &unknown) || !errors.Is(err, persist.ErrIndeterminate) ||
				errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrUsage) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWhatIsGoneIsNotEmpty protects from a second history where there was one: a bucket that was
// emptied under a running process, or a head that was.
func TestWhatIsGoneIsNotEmpty(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	store, err := opened(t, server, prefix, nil, s3.Options{Probe: s3.ProbeNone})
	must(t, err)
	c := store.Consensus()
	extend(t, c, 1, 2)
	for _, name := range names(t, server, prefix) {
		key := prefix + "/" + name
		_, err := server.Client(nil).DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &server.Bucket, Key: &key})
		must(t, err)
	}
	_, _, headErr := c.Head(t.Context(), shard)
	_, scanErr := c.Scan(t.Context(), shard, 1, 1)
	_, commitErr := c.CompareAndSet(t.Context(), shard, 2, persist.Versioned{SeqNo: 3})
	_, createErr := c.CompareAndSet(t.Context(), "another", 0, persist.Versioned{SeqNo: 1})
	for i, err := range []error{headErr, scanErr, commitErr, createErr} {
		if !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("%d: %v, want a corruption error", i, err)
		}
	}
	if left := names(t, server, prefix); len(left) > 0 {
		t.Errorf("%q has been written", left)
	}
}

// TestForeignHeadsAreCorruption protects from what others have put in the place of a head.
func TestForeignHeadsAreCorruption(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	store, err := opened(t, server, prefix, nil, s3.Options{Probe: s3.ProbeNone})
	must(t, err)
	place(t, server, prefix+"/heads/"+shard+"!", "hello")
	c := store.Consensus()
	_, _, headErr := c.Head(t.Context(), shard)
	_, createErr := c.CompareAndSet(t.Context(), shard, 0, persist.Versioned{SeqNo: 1})
	_, commitErr := c.CompareAndSet(t.Context(), shard, 4, persist.Versioned{SeqNo: 5})
	_, truncateErr := c.Truncate(t.Context(), shard, 1)
	for i, err := range []error{headErr, createErr, commitErr, truncateErr} {
		if !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("%d: %v, want a corruption error", i, err)
		}
	}
}

// TestProcessesMakeOneChainUnderFaults protects the versions where requests fail, come late and
// come twice, from several processes, with segments and truncation going on.
func TestProcessesMakeOneChainUnderFaults(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	history := persisttest.NewHistory()
	group := runtime.New(runtime.Options{}).NewGroup(t.Context())
	faults := newFaults(3, 10)
	faults.isLate = true
	options := impatient()
	options.Probe = s3.ProbeNone
	const processes, rounds = 4, 60
	for p := range processes {
		store, err := opened(t, server, prefix, faults.wrap, options)
		must(t, err)
		group.Go("process", func(ctx context.Context) error {
			c := store.Consensus()
			for round := range rounds {
				expected, err := history.Head(ctx, p, c, shard)
				if err != nil {
					return err
				}
				if _, err := history.CompareAndSet(ctx, p, c, shard, expected); err != nil {
					return err
				}
				if round%20 == 19 && expected > 5 {
					if _, err := c.Truncate(ctx, shard, expected-5); err != nil && !errors.Is(err, persist.ErrIndeterminate) {
						return err
					}
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	faults.late.Wait()
	must(t, history.Check())
}
