package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// policy is one of IAM, as far as ours go.
type policy struct {
	Version   string
	Statement []struct {
		Effect           string
		Action, Resource []string
	}
}

// permission is an action on a resource.
type permission struct{ action, resource string }

// allows reports whether the policy covers a permission.
func (p policy) allows(wanted permission) bool {
	for _, s := range p.Statement {
		if s.Effect == "Allow" && slices.Contains(s.Action, wanted.action) &&
			slices.ContainsFunc(s.Resource, func(pattern string) bool { return covers(pattern, wanted.resource) }) {
			return true
		}
	}
	return false
}

// covers reports whether a pattern, which may end with a star, matches a resource.
func covers(pattern, resource string) bool {
	if beginning, isOpen := strings.CutSuffix(pattern, "*"); isOpen {
		return strings.HasPrefix(resource, beginning)
	}
	return pattern == resource
}

// policies returns those of docs/security.md by role, for a bucket and a prefix.
func policies(t *testing.T, bucket, prefix string) map[string]policy {
	t.Helper()
	document, err := os.ReadFile("../../docs/security.md")
	must(t, err)
	all := make(map[string]policy)
	marked := regexp.MustCompile("(?s)<!-- sketch: the policy of an? ([^\n]+) -->\n```json\n(.*?)```")
	for _, m := range marked.FindAllStringSubmatch(string(document), -1) {
		text := strings.NewReplacer("BUCKET", bucket, "PREFIX", prefix).Replace(m[2])
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		var p policy
		if err := decoder.Decode(&p); err != nil || p.Version != "2012-10-17" {
			t.Fatalf("the policy of %s: version %q, %v", m[1], p.Version, err)
		}
		all[m[1]] = p
	}
	want := []string{"compactor and sweeper", "inspector", "reader", "writer"}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("policies of %q, want %q", got, want)
	}
	return all
}

// needed returns what a request has to be allowed, after the documentation of S3.
func needed(r *http.Request) (all []permission) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	ofBucket := func(action string) permission { return permission{action, "arn:aws:s3:::" + bucket} }
	ofObject := func(action string) permission { return permission{action, "arn:aws:s3:::" + bucket + "/" + key} }
	switch {
	case key == "" && query.Has("list-type"):
		return []permission{ofBucket("s3:ListBucket")}
	case key == "" && query.Has("versions"):
		return []permission{ofBucket("s3:ListBucketVersions")}
	case key == "":
		return []permission{ofBucket("unknown: " + r.Method + " " + r.URL.RawQuery)}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead: // without the second what is not there is 403
		return []permission{ofObject("s3:GetObject"), ofBucket("s3:ListBucket")}
	case http.MethodPut, http.MethodPost:
		if all = append(all, ofObject("s3:PutObject")); r.Header.Get("If-Match") != "" {
			all = append(all, ofObject("s3:GetObject"))
		}
		return all
	case http.MethodDelete:
		switch {
		case query.Has("uploadId"):
			return []permission{ofObject("s3:AbortMultipartUpload")}
		case query.Has("versionId"):
			return []permission{ofObject("s3:DeleteObjectVersion")}
		}
		return []permission{ofObject("s3:DeleteObject")}
	}
	return []permission{ofObject("unknown: " + r.Method)}
}

// gate lets through what a policy allows.
type gate struct {
	policy policy

	mu            sync.Mutex
	used, refused map[permission]bool
}

func newGate(p policy) *gate {
	return &gate{policy: p, used: make(map[permission]bool), refused: make(map[permission]bool)}
}

func (g *gate) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		isAllowed := true
		g.mu.Lock()
		for _, wanted := range needed(r) {
			if g.policy.allows(wanted) {
				g.used[wanted] = true
			} else {
				isAllowed, g.refused[wanted] = false, true
			}
		}
		g.mu.Unlock()
		if !isAllowed {
			return failing(r, http.StatusForbidden, "AccessDenied"), nil
		}
		return next.RoundTrip(r)
	})
}

// refusals returns what was not let through.
func (g *gate) refusals() []permission {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.refused))
}

// wantExact fails if something was refused, or if a statement has an action or a resource that
// nothing has needed.
func (g *gate) wantExact(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.refused {
		t.Errorf("not covered: %s of %s", p.action, p.resource)
	}
	for _, s := range g.policy.Statement {
		for _, action := range s.Action {
			for _, pattern := range s.Resource {
				isNeeded := false
				for p := range g.used {
					isNeeded = isNeeded || p.action == action && covers(pattern, p.resource)
				}
				if !isNeeded {
					t.Errorf("not needed: %s of %s", action, pattern)
				}
			}
		}
	}
}

// policyBucket is a bucket that keeps versions, with a store that a client of each role opens.
type policyBucket struct {
	server *s3test.Server
	name   string
	prefix string
}

func newPolicyBucket(t *testing.T) *policyBucket {
	t.Helper()
	server := s3test.Start(t)
	if _, isForeign := s3test.FromEnvironment(); isForeign {
		t.Skip("needs a bucket of its own, which it makes on the server of the tests")
	}
	b := &policyBucket{server: server, name: "policies", prefix: path.Base(server.Prefix(t))}
	_, err := server.Client(nil).CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &b.name})
	var isThere *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &isThere) {
		t.Fatal(err)
	}
	_, err = server.Client(nil).PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: &b.name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	must(t, err)
	return b
}

func (b *policyBucket) open(t *testing.T, g *gate, options s3.Options) *s3.Store {
	t.Helper()
	store, err := s3.Open(t.Context(), runtime.New(runtime.Options{}), b.server.Client(g.wrap), b.name, b.prefix, options)
	must(t, err)
	return store
}

// write makes a store send every request that a writer sends.
func write(t *testing.T, store *s3.Store) {
	t.Helper()
	blob, c := store.Blob(), store.Consensus()
	for key, size := range map[string]int{"s1/small": 10, "s1/large": 11 << 20} {
		must(t, blob.Set(t.Context(), key, random(size)))
		_, _, err := blob.Get(t.Context(), key)
		must(t, err)
	}
	_, found, err := blob.Get(t.Context(), "s1/none")
	if found || err != nil {
		t.Errorf("get of what is not there: %v, %v", found, err)
	}
	must(t, blob.List(t.Context(), "", func(string, int) error { return nil }))
	_, _, err = blob.Delete(t.Context(), "s1/small")
	must(t, err)
	extend(t, c, 1, 130)
	wantVersions(t, c, 1, 130)
	_, err = c.Truncate(t.Context(), shard, 120)
	must(t, err)
	_, err = c.Sweep(t.Context(), shard)
	must(t, err)
	must(t, c.ListKeys(t.Context(), func(string) error { return nil }))
}

// abandon makes an upload fail, which is then aborted.
func abandon(t *testing.T, b *policyBucket, g *gate) {
	t.Helper()
	client := b.server.Client(func(next http.RoundTripper) http.RoundTripper {
		gated := g.wrap(next)
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("partNumber") == "2" {
				return failing(r, http.StatusBadRequest, "InvalidArgument"), nil
			}
			return gated.RoundTrip(r)
		})
	})
	store, err := s3.Open(t.Context(), runtime.New(runtime.Options{}), client, b.name, b.prefix, s3.Options{Probe: s3.ProbeNone})
	must(t, err)
	if err := store.Blob().Set(t.Context(), "s1/never", random(11<<20)); !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("an upload that was refused: %v", err)
	}
}

// TestPolicies protects those who copy the policies of docs/security.md: each role can do its work
// with its policy, over a real server, and has no permission that it does not need. That what is
// not covered is refused at all is in the last case.
func TestPolicies(t *testing.T) {
	b := newPolicyBucket(t)
	roles := policies(t, b.name, b.prefix)
	t.Run("writer", func(t *testing.T) {
		g := newGate(roles["writer"])
		write(t, b.open(t, g, s3.Options{Probe: s3.ProbeRaces}))
		abandon(t, b, g)
		g.wantExact(t)
	})
	t.Run("compactor and sweeper", func(t *testing.T) {
		g := newGate(roles["compactor and sweeper"])
		store := b.open(t, g, s3.Options{})
		_, _, err := store.Blob().Delete(t.Context(), "s1/large")
		must(t, err)
		must(t, store.Blob().Restore(t.Context(), "s1/large"))
		extend(t, store.Consensus(), 131, 260)
		_, err = store.Consensus().Truncate(t.Context(), shard, 250)
		must(t, err)
		abandon(t, b, g)
		g.wantExact(t)
	})
}

// TestPoliciesOfReaders protects the same of those who read.
func TestPoliciesOfReaders(t *testing.T) {
	b := newPolicyBucket(t)
	roles := policies(t, b.name, b.prefix)
	id := persist.ShardID{5}
	t.Run("reader", func(t *testing.T) {
		b.open(t, newGate(roles["writer"]), s3.Options{}) // makes the store
		b.appendRows(t, newGate(roles["writer"]), id, 130)
		g := newGate(roles["reader"])
		config := busy
		config.CompactionsMax, config.GCVersionsMin, config.RollupThreshold = -1, 10_000, 10_000
		b.read(t, g, config, id, 70) // so often that older versions have to move
		g.wantExact(t)
	})
	t.Run("a reader that upkeep falls to", func(t *testing.T) {
		g := newGate(roles["reader"])
		b.read(t, g, busy, id, 40)
		if len(g.refusals()) == 0 {
			t.Error("no upkeep was refused")
		}
	})
	t.Run("inspector", func(t *testing.T) {
		g := newGate(roles["inspector"])
		look(t, b.open(t, g, s3.Options{ReadOnly: true}), id)
		g.wantExact(t)
	})
	t.Run("a read-only store has what a reader may", func(t *testing.T) {
		g := newGate(roles["reader"])
		look(t, b.open(t, g, s3.Options{ReadOnly: true}), id)
		if refused := g.refusals(); len(refused) > 0 {
			t.Errorf("not covered: %v", refused)
		}
	})
	t.Run("an inspector does not write", func(t *testing.T) {
		g := newGate(roles["inspector"])
		store := b.open(t, g, s3.Options{Probe: s3.ProbeNone})
		begin := time.Now()
		err := store.Blob().Set(t.Context(), "s1/k", nil)
		_, commitErr := store.Consensus().CompareAndSet(t.Context(), "another", 0, persist.Versioned{SeqNo: 1})
		for _, err := range []error{err, commitErr} {
			if !errors.Is(err, persist.ErrUsage) || !errors.Is(err, persist.ErrDeterminate) {
				t.Errorf("got %v", err)
			}
		}
		if refused := g.refusals(); len(refused) != 2 || time.Since(begin) > 5*time.Second {
			t.Errorf("%v was refused, within %v", refused, time.Since(begin))
		}
	})
}

// look reads all that there is without an engine that writes.
func look(t *testing.T, store *s3.Store, id persist.ShardID) {
	t.Helper()
	client, err := persist.New(runtime.New(runtime.Options{}), store.Blob(), store.Consensus(), persist.Config{})
	must(t, err)
	defer client.Close()
	inspection, err := client.Inspect(t.Context(), id)
	if err != nil || inspection.Upper != frontier.At(130) {
		t.Errorf("upper %v, %v", inspection.Upper, err)
	}
	must(t, store.Consensus().ListKeys(t.Context(), func(string) error { return nil }))
	must(t, store.Blob().List(t.Context(), "", func(key string, _ int) error {
		_, _, err := store.Blob().Get(t.Context(), key)
		return err
	}))
}

// appendRows appends rows, one at each time.
func (b *policyBucket) appendRows(t *testing.T, g *gate, id persist.ShardID, count int) {
	t.Helper()
	store := b.open(t, g, s3.Options{Probe: s3.ProbeNone})
	client, err := persist.New(runtime.New(runtime.Options{}), store.Blob(), store.Consensus(), busy)
	must(t, err)
	defer client.Close()
	must(t, appendRows(context.Background(), client, id, 0, count))
	if refused := g.refusals(); len(refused) > 0 {
		t.Errorf("not covered: %v", refused)
	}
}

// read opens a reader of the rows so often, and reads them now and then.
func (b *policyBucket) read(t *testing.T, g *gate, config persist.Config, id persist.ShardID, rounds int) {
	t.Helper()
	store := b.open(t, g, s3.Options{Probe: s3.ProbeNone})
	client, err := persist.New(runtime.New(runtime.Options{}), store.Blob(), store.Consensus(), config)
	must(t, err)
	defer client.Close()
	for n := range rounds {
		reader, err := client.OpenReader(t.Context(), id, persist.ReaderOptions{Purpose: "test"})
		must(t, err)
		if n%10 == 0 {
			rows, err := reader.Snapshot(t.Context(), 129)
			if must(t, err); len(rows) != 130 {
				t.Fatalf("%d rows", len(rows))
			}
		}
		must(t, reader.Close(t.Context()))
	}
}
