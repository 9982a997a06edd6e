package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// fresh opens a new store through a round tripper that the opening itself does not go through.
func fresh(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper, options s3.Options) *s3.Store {
	t.Helper()
	server := s3test.Start(t)
	options.Probe = s3.ProbeNone
	store, err := opened(t, server, created(t, server), wrap, options)
	must(t, err)
	return store
}

// created returns a prefix with an empty store.
func created(t *testing.T, server *s3test.Server) (prefix string) {
	t.Helper()
	prefix = server.Prefix(t)
	place(t, server, prefix+"/FORMAT", formatOf(1, location))
	return prefix
}

// random returns bytes that no two places of have in common.
func random(size int) []byte {
	value := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(size)})
	_, _ = source.Read(value) // never fails
	return value
}

// TestLargeObjectsGoInParts protects objects of more than one part, and what they cost.
func TestLargeObjectsGoInParts(t *testing.T) {
	var count counter
	const part = 5 << 20
	blob := fresh(t, count.wrap, s3.Options{PartSize: part}).Blob()
	for _, c := range []struct {
		size       int
		written    map[string]int
		read       map[string]int
		afterwards map[string]int
	}{
		{part - 1, map[string]int{"PUT": 1}, map[string]int{"GET": 1}, nil},
		{part, map[string]int{"PUT": 1}, map[string]int{"GET": 1}, nil},
		{part + 1, map[string]int{"POST": 2, "PUT": 2}, map[string]int{"GET": 2}, nil},
		{3*part + 7, map[string]int{"POST": 2, "PUT": 4}, map[string]int{"GET": 4}, nil},
		{0, map[string]int{"PUT": 1}, map[string]int{"GET": 2}, nil},
	} {
		count.take()
		key, value := fmt.Sprint("large/", c.size), random(c.size)
		must(t, blob.Set(t.Context(), key, value))
		if diff := cmp.Diff(c.written, count.take()); diff != "" {
			t.Errorf("writing %d bytes (-want +got):\n%s", c.size, diff)
		}
		got, found, err := blob.Get(t.Context(), key)
		if err != nil || !found || !bytes.Equal(got, value) {
			t.Errorf("%d bytes: got %d, %v, %v", c.size, len(got), found, err)
		}
		if diff := cmp.Diff(c.read, count.take()); diff != "" {
			t.Errorf("reading %d bytes (-want +got):\n%s", c.size, diff)
		}
		size, existed, err := blob.Delete(t.Context(), key)
		if size != c.size || !existed || err != nil {
			t.Errorf("delete: %d, %v, %v; want %d", size, existed, err, c.size)
		}
		if diff := cmp.Diff(map[string]int{"HEAD": 1, "DELETE": 1}, count.take()); diff != "" {
			t.Errorf("deleting (-want +got):\n%s", diff)
		}
	}
}

// TestLargeObjectsOutlastFaults protects uploads and downloads in parts, each request of which
// may fail.
func TestLargeObjectsOutlastFaults(t *testing.T) {
	const part = 5 << 20
	options := impatient()
	options.PartSize = part
	options.Limits.FirstByte = 2 * time.Second
	options.HedgeAfter = 200 * time.Millisecond
	blob := fresh(t, newFaults(7, 5).wrap, options).Blob()
	value := random(3*part + 99)
	for i := range 3 {
		key := fmt.Sprint("large/", i)
		must(t, blob.Set(t.Context(), key, value))
		got, found, err := blob.Get(t.Context(), key)
		if err != nil || !found || !bytes.Equal(got, value) {
			t.Errorf("got %d bytes, %v, %v", len(got), found, err)
		}
	}
}

// TestAnUploadThatTheStoreCompletedUnseenIsASuccess protects large objects from being written
// for nothing: the answer is lost, and the store has forgotten the upload when asked again.
func TestAnUploadThatTheStoreCompletedUnseenIsASuccess(t *testing.T) {
	var completions, uploads atomic.Int32
	blob := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && r.URL.Query().Has("uploads") {
				uploads.Add(1)
			}
			if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
				return next.RoundTrip(r)
			}
			if completions.Add(1) > 1 {
				return failing(r, http.StatusNotFound, "NoSuchUpload"), nil
			}
			answer, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			_ = answer.Body.Close()
			return nil, errDropped
		})
	}, s3.Options{PartSize: 5 << 20}).Blob()
	must(t, blob.Set(t.Context(), "large", random(6<<20)))
	if completions.Load() != 2 || uploads.Load() != 1 {
		t.Errorf("%d completions of %d uploads", completions.Load(), uploads.Load())
	}
}

// TestACancelledUploadIsAbandoned protects the bucket from parts that nobody wants.
func TestACancelledUploadIsAbandoned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var aborted atomic.Int32
	blob := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("partNumber") == "2" {
				cancel()
			}
			if r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") {
				aborted.Add(1)
			}
			return next.RoundTrip(r)
		})
	}, s3.Options{PartSize: 5 << 20}).Blob()
	err := blob.Set(ctx, "large", random(11<<20))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) || aborted.Load() != 1 {
		t.Errorf("%v, %d abandoned", err, aborted.Load())
	}
	if _, found, err := blob.Get(t.Context(), "large"); found || err != nil {
		t.Errorf("it is there: %v, %v", found, err)
	}
}

// TestAnObjectThatChangesWhileItIsReadIsReadAgain protects from objects made of the parts of two,
// also where nothing is known of a checksum.
func TestAnObjectThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	const part = 5 << 20
	old, changed := bytes.Repeat([]byte("o"), 2*part), bytes.Repeat([]byte("c"), 2*part)
	var other *s3.Blob
	var once sync.Once
	blob := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if start, _, _ := strings.Cut(r.Header.Get("Range"), "-"); start == fmt.Sprint("bytes=", part) {
				once.Do(func() { must(t, other.Set(t.Context(), "k", changed)) })
			}
			answer, err := next.RoundTrip(r)
			if err == nil {
				answer.Header.Del("X-Amz-Meta-Crc32c")
			}
			return answer, err
		})
	}, s3.Options{PartSize: part}).Blob()
	other = blob
	must(t, blob.Set(t.Context(), "k", old))
	got, found, err := blob.Get(t.Context(), "k")
	if err != nil || !found || !bytes.Equal(got, changed) {
		t.Errorf("%d bytes, of which %d are old; %v, %v", len(got), bytes.Count(got, []byte("o")), found, err)
	}
}

// TestDamageIsFound protects from bits that flip in the store, or always on the way.
func TestDamageIsFound(t *testing.T) {
	reads := 0
	blob := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				reads++
				body, _ := io.ReadAll(answer.Body)
				body[0] ^= 1
				answer.Body = io.NopCloser(bytes.NewReader(body))
			}
			return answer, err
		})
	}, s3.Options{}).Blob()
	must(t, blob.Set(t.Context(), "k", []byte("value")))
	_, _, err := blob.Get(t.Context(), "k")
	var corruption *persist.CorruptionError
	if !errors.As(err, &corruption) || reads != 5 {
		t.Errorf("%v after %d readings, want a corruption error after 5", err, reads)
	}
}

// TestAStalledReadingIsHedged protects readers from the one request that takes for ever.
func TestAStalledReadingIsHedged(t *testing.T) {
	var reads atomic.Int32
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") && reads.Add(1) == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return next.RoundTrip(r)
		})
	}
	blob := fresh(t, wrap, s3.Options{HedgeAfter: 20 * time.Millisecond}).Blob()
	must(t, blob.Set(t.Context(), "k", []byte("value")))
	begin := time.Now()
	value, found, err := blob.Get(t.Context(), "k")
	if string(value) != "value" || !found || err != nil || reads.Load() != 2 || time.Since(begin) > 5*time.Second {
		t.Errorf("%q, %v, %v with %d requests in %v", value, found, err, reads.Load(), time.Since(begin))
	}
}

// TestListsOfManyPages protects keys beyond the first thousand, and passes what is not ours.
func TestListsOfManyPages(t *testing.T) {
	if testing.Short() {
		t.Skip("writes many objects, and -short is set")
	}
	var count counter
	blob := fresh(t, count.wrap, s3.Options{TransfersMax: 32}).Blob()
	const n = 1100
	var want []string
	group := runtime.New(runtime.Options{}).NewGroup(t.Context())
	for w := range 8 {
		group.Go("writer", func(ctx context.Context) error {
			for i := w; i < n; i += 8 {
				if err := blob.Set(ctx, fmt.Sprintf("many/%d-x", i), nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	for i := range n {
		want = append(want, fmt.Sprintf("many/%d-x", i))
	}
	slices.Sort(want)
	count.take()
	var got []string
	must(t, blob.List(t.Context(), "many/", func(key string, _ int) error {
		got = append(got, key)
		return nil
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"LIST": 2}, count.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestListingsOutOfOrderAreRefused protects those who rely on the order from stores that have none,
// such as directory buckets.
func TestListingsOutOfOrderAreRefused(t *testing.T) {
	blob := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && r.URL.Query().Has("list-type") {
				body, _ := io.ReadAll(answer.Body)
				swapped := strings.NewReplacer("k1!", "k2!", "k2!", "k1!").Replace(string(body))
				answer.Body = io.NopCloser(strings.NewReader(swapped))
			}
			return answer, err
		})
	}, s3.Options{}).Blob()
	must(t, errors.Join(blob.Set(t.Context(), "k1", nil), blob.Set(t.Context(), "k2", nil)))
	err := blob.List(t.Context(), "", func(string, int) error { return nil })
	var unfit *s3.CapabilityError
	if !errors.As(err, &unfit) {
		t.Errorf("got %v, want a capability error", err)
	}
}

// TestKeysThatCannotBeNamesAreUsageErrors protects stores from names that some of them garble.
func TestKeysThatCannotBeNamesAreUsageErrors(t *testing.T) {
	blob := fresh(t, nil, s3.Options{}).Blob()
	keys := []string{"", "/a", "a/", "a//b", "a/../b", ".", "a b", "a!", "ä", "a\x00", strings.Repeat("k/", 500) + "k"}
	for _, key := range keys {
		if err := blob.Set(t.Context(), key, nil); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("set %.20q: %v", key, err)
		}
		if _, found, err := blob.Get(t.Context(), key); found || err != nil {
			t.Errorf("get %.20q: %v, %v", key, found, err)
		}
		if _, existed, err := blob.Delete(t.Context(), key); existed || err != nil {
			t.Errorf("delete %.20q: %v, %v", key, existed, err)
		}
	}
}

// TestNamesGoInTheOrderOfKeys protects listings: what ends a key comes before all that is in one.
func TestNamesGoInTheOrderOfKeys(t *testing.T) {
	blob := fresh(t, nil, s3.Options{}).Blob()
	want := []string{"a", "a-b", "a.b", "a/b", "a/b/c", "a0", "aA", "a_", "aa"}
	for _, key := range want {
		must(t, blob.Set(t.Context(), key, []byte(key)))
	}
	var got []string
	must(t, blob.List(t.Context(), "", func(key string, _ int) error {
		got = append(got, key)
		return nil
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
