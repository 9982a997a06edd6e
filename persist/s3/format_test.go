package s3_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// place writes an object as somebody else would.
func place(t *testing.T, server *s3test.Server, key, body string) {
	t.Helper()
	_, err := server.Client(nil).PutObject(t.Context(),
		&awss3.PutObjectInput{Bucket: &server.Bucket, Key: &key, Body: strings.NewReader(body)})
	must(t, err)
}

// formatOf returns the FORMAT of a version, with a right checksum.
func formatOf(version int, rest string) string {
	text := fmt.Sprintf("tidemark-s3-store %d\n%s", version, rest)
	return text + fmt.Sprintf("crc32c %08x\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
}

const location = "location 000102030405060708090a0b0c0d0e0f\n"

// TestWhatIsNoStoreIsLeftAlone protects what others keep in the bucket, and stores that lost
// something, from being taken for empty.
func TestWhatIsNoStoreIsLeftAlone(t *testing.T) {
	server := s3test.Start(t)
	var corruption *persist.CorruptionError
	var version *persist.VersionError
	var foreign *s3.LocationError
	for name, c := range map[string]struct {
		key, body string
		want      any
		says      string
	}{
		"a foreign FORMAT":     {"FORMAT", "hello", &corruption, "is none of a store"},
		"an empty FORMAT":      {"FORMAT", "", &corruption, "is none of a store"},
		"a damaged FORMAT":     {"FORMAT", strings.Replace(formatOf(1, location), "0c", "0d", 1), &corruption, "damaged"},
		"a later FORMAT":       {"FORMAT", formatOf(2, "of which nothing is known\n"), &version, "newer"},
		"no FORMAT, but blobs": {"blobs/s1/p1!", "part", &corruption, "missing"},
		"no FORMAT, but heads": {"heads/s1!", "head", &corruption, "missing"},
		"something else":       {"photos/1.jpeg", "jpeg", &foreign, `has "photos/1.jpeg"`},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := server.Prefix(t)
			place(t, server, prefix+"/"+c.key, c.body)
			for _, options := range []s3.Options{{}, {ReadOnly: true}, {Probe: s3.ProbeRaces}} {
				_, err := opened(t, server, prefix, nil, options)
				if !errors.As(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %q", err, c.says)
				}
			}
			if diff := cmp.Diff([]string{c.key}, names(t, server, prefix)); diff != "" {
				t.Errorf("what is there (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAStoreOfThisVersionIsOpened protects stores that exist: what FORMAT is does not change.
func TestAStoreOfThisVersionIsOpened(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	place(t, server, prefix+"/FORMAT", formatOf(1, location))
	store, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	if got := "location " + store.Location().String() + "\n"; got != location {
		t.Errorf("got %s, want %s", got, location)
	}
}

// TestOpenedAtTheSameTimeItIsOneStore protects processes that start together.
func TestOpenedAtTheSameTimeItIsOneStore(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	stores := make([]*s3.Store, 4)
	errs := make([]error, len(stores))
	tasks := runtime.New(runtime.Options{}).NewWaitGroup()
	for i := range stores {
		tasks.Go(t.Context(), "open", func(context.Context) {
			stores[i], errs[i] = opened(t, server, prefix, nil, s3.Options{})
		})
	}
	tasks.Wait()
	must(t, errors.Join(errs...))
	for _, store := range stores {
		if store.Location() != stores[0].Location() {
			t.Errorf("locations %v and %v", store.Location(), stores[0].Location())
		}
	}
}

// TestTheSameSeedMakesOtherIds protects versions from processes that are all given one seed: ids
// must not come back.
func TestTheSameSeedMakesOtherIds(t *testing.T) {
	server := s3test.Start(t)
	var locations []s3.Location
	for range 2 {
		rt := runtime.New(runtime.Options{Seed: 1})
		store, err := s3.Open(t.Context(), rt, server.Client(nil), server.Bucket, server.Prefix(t), s3.Options{})
		must(t, err)
		locations = append(locations, store.Location())
	}
	if locations[0] == locations[1] {
		t.Errorf("two stores are called %v", locations[0])
	}
}

// TestAFormatWhoseAnswerWasLostIsTheStore protects the creation.
func TestAFormatWhoseAnswerWasLostIsTheStore(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	lost := 0
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/FORMAT") && lost == 0 {
				lost++
				_ = answer.Body.Close()
				return nil, errDropped
			}
			return answer, err
		})
	}
	first, err := opened(t, server, prefix, wrap, s3.Options{})
	must(t, err)
	second, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	if lost != 1 || first.Location() != second.Location() {
		t.Errorf("%v and %v, %d answers were lost", first.Location(), second.Location(), lost)
	}
}

// TestReadOnlyStoresRefuseToChange protects a store that is only looked at.
func TestReadOnlyStoresRefuseToChange(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	store, err := opened(t, server, prefix, nil, s3.Options{ReadOnly: true})
	must(t, err)
	blob := store.Blob()
	_, _, deleteErr := blob.Delete(t.Context(), "k")
	for i, err := range []error{blob.Set(t.Context(), "k", nil), deleteErr, blob.Restore(t.Context(), "k")} {
		if !errors.Is(err, persist.ErrUsage) || !errors.Is(err, persist.ErrDeterminate) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if diff := cmp.Diff([]string{"FORMAT"}, names(t, server, prefix)); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
}
