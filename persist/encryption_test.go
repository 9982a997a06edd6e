package persist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/aesgcm"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/runtime"
)

// newKeys returns an encrypter with keys whose secrets follow from their ids.
func newKeys(t testing.TB, current string, former ...string) persist.Encrypter {
	t.Helper()
	options := aesgcm.Options{Current: keyOf(current), Nonces: aesgcm.Predictable(runtime.NewRand(1))}
	for _, id := range former {
		options.Former = append(options.Former, keyOf(id))
	}
	keys, err := aesgcm.New(options)
	must(t, err)
	return keys
}

func keyOf(id string) aesgcm.Key {
	return aesgcm.Key{ID: id, Secret: []byte(strings.Repeat(id, 32)[:32])}
}

// marker is part of every row of secrets. It is not to be compressed.
const marker = "q7Zx0pK3vT9w"

// secrets returns count updates at a time, of some 50 bytes each.
func secrets(count int, at uint64) (updates []persist.Update) {
	for i := range count {
		updates = append(updates, insert(fmt.Sprintf("%s %04d", marker, i), at))
	}
	return updates
}

// occurrences returns in how many objects, and how many versions, the bytes are found.
func (p *place) occurrences(text string) (objects, versions int) {
	p.t.Helper()
	ctx, rt := p.t.Context(), p.live()
	blob, log := p.store.Blob(rt), p.store.Consensus(rt)
	must(p.t, blob.List(ctx, "", func(key string, _ int) error {
		value, _, err := blob.Get(ctx, key)
		if strings.Contains(key, text) || bytes.Contains(value, []byte(text)) {
			objects++
		}
		return err
	}))
	must(p.t, log.ListKeys(ctx, func(key string) error {
		all, err := log.Scan(ctx, key, 0, 1000)
		for _, v := range all {
			if bytes.Contains(v.Data, []byte(text)) {
				versions++
			}
		}
		return err
	}))
	return objects, versions
}

// liveWith appends rows inlined and as objects, which are merged and rolled up meanwhile.
func (p *place) liveWith(config persist.Config) *persist.Client {
	p.t.Helper()
	config.RollupThreshold, config.InlineSizeMax, config.PartSize, config.CompactionFanout = 2, 300, 1500, 2
	c := p.client(config)
	w := p.writer(c, persist.ShardID{1})
	for i := range uint64(12) {
		must(p.t, w.CompareAndAppend(p.t.Context(), secrets(1+int(i%3)*20, i), frontier.At(i), frontier.At(i+1)))
		must(p.t, p.live().Sleep(p.t.Context(), 2*time.Millisecond)) // merges happen in the background
	}
	return c
}

// TestNoRowIsStoredInTheClear protects what is encrypted from whoever can read the store:
// no row, and no part of one, is in any object or version, be it as contents, as a bound
// or as a statistic. Without encryption all of that is there.
func TestNoRowIsStoredInTheClear(t *testing.T) {
	plain := newPlace(t)
	plain.liveWith(persist.Config{})
	if objects, versions := plain.occurrences(marker); objects < 3 || versions < 3 {
		t.Errorf("in the clear: in %d objects, %d versions", objects, versions)
	}
	p := newPlace(t)
	c := p.liveWith(persist.Config{Encrypter: newKeys(t, "k")})
	if objects, versions := p.occurrences(marker); objects+versions > 0 {
		t.Errorf("encrypted: in %d objects, %d versions", objects, versions)
	}
	if len(p.keys(persist.ShardID{1})) == 0 {
		t.Error("there are no objects")
	}
	r, err := c.OpenReader(t.Context(), persist.ShardID{1}, persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	got, err := r.Snapshot(t.Context(), 11)
	must(t, err)
	if len(got) != 41 || string(got[0].Row) != marker+" 0000" || got[0].Diff != 12 {
		t.Errorf("read %d rows", len(got))
	}
	i, err := c.Inspect(t.Context(), persist.ShardID{1})
	must(t, err)
	for _, b := range i.Batches {
		if diff := cmp.Diff([]string{"k"}, b.KeyIDs); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// read reads the shard of liveWith as of its end.
func read(t testing.TB, c *persist.Client) ([]persist.Update, error) {
	t.Helper()
	r, err := c.OpenReader(t.Context(), persist.ShardID{1}, persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	return r.Snapshot(t.Context(), 11)
}

// TestWhoHasNoKeyIsToldSo protects people who have forgotten to configure a key: nothing
// is damaged, the error says what is missing, and with the key the same client reads on.
func TestWhoHasNoKeyIsToldSo(t *testing.T) {
	p := newPlace(t)
	p.liveWith(persist.Config{Encrypter: newKeys(t, "k")})
	c := p.client(persist.Config{})
	for _, keys := range []persist.Encrypter{nil, newKeys(t, "other")} {
		must(t, c.Configure(func(config *persist.Config) { config.Encrypter = keys }))
		got, err := read(t, c)
		var missing *persist.KeyError
		if !errors.As(err, &missing) || missing.KeyID != "k" || !errors.Is(err, persist.ErrUnknownKey) ||
			errors.Is(err, persist.ErrCorruption) || got != nil {
			t.Errorf("%d rows, %v", len(got), err)
		}
	}
	must(t, c.Configure(func(config *persist.Config) { config.Encrypter = newKeys(t, "k") }))
	if got, err := read(t, c); err != nil || len(got) != 41 {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// TestAWrongKeyReadsNothing protects readers from a secret that is not the one of its id.
func TestAWrongKeyReadsNothing(t *testing.T) {
	p := newPlace(t)
	p.liveWith(persist.Config{Encrypter: newKeys(t, "k")})
	wrong := keyOf("k")
	wrong.Secret[3] ^= 1
	keys, err := aesgcm.New(aesgcm.Options{Current: wrong, Nonces: aesgcm.Predictable(runtime.NewRand(1))})
	must(t, err)
	got, err := read(t, p.client(persist.Config{Encrypter: keys}))
	if !errors.Is(err, persist.ErrCorruption) || got != nil {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// TestKeysAreReplacedBehindReaders protects long lives: what was written with a former
// key, or none, is read for as long as that is there, and what is merged gets the new one.
func TestKeysAreReplacedBehindReaders(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{InlineSizeMax: 200, PartSize: 500, CompactionFanout: 2})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		seen := map[string]bool{}
		for i, keys := range []persist.Encrypter{nil, newKeys(t, "a"), newKeys(t, "b", "a"), newKeys(t, "c", "b", "a")} {
			s.must(c.Configure(func(config *persist.Config) { config.Encrypter = keys }))
			for range 16 {
				at, _ := w.Upper().Time()
				s.must(w.CompareAndAppend(ctx, secrets(1+int(at%7), at), frontier.At(at), frontier.At(at+1)))
				s.must(s.rt.Sleep(ctx, time.Millisecond))
			}
			got, err := r.Snapshot(ctx, uint64(16*i+15))
			s.rt.Always(err == nil && len(got) == 7 && got[0].Diff == int64(16*i+16), "read", "rows", len(got), "error", err)
			now, err := c.Inspect(ctx, w.Shard())
			s.must(err)
			for _, b := range now.Batches {
				for _, id := range b.KeyIDs {
					seen[id] = true
				}
			}
			if newest := now.Batches[len(now.Batches)-1].KeyIDs; keys != nil {
				s.rt.Always(slices.Contains(newest, string(rune('a'+i-1))), "encrypted-anew", "keys", newest)
			}
		}
		s.rt.Always(len(seen) == 3, "each-key-was-used", "keys", len(seen))
	})
}

// TestEncryptionNeedsItsFormat protects older programs, which would take an encrypted
// part for damage: in their shards nothing is encrypted, and nothing is written either,
// until the shard is upgraded.
func TestEncryptionNeedsItsFormat(t *testing.T) {
	p := newPlace(t)
	old := p.client(persist.Config{Format: 2})
	shard := old.NewShardID()
	p.writer(old, shard)
	c := p.client(persist.Config{Encrypter: newKeys(t, "k")})
	w := p.writer(c, shard)
	for _, count := range []int{1, 1000} { // inlined, and an object
		err := w.CompareAndAppend(t.Context(), secrets(count, 0), frontier.At(0), frontier.At(1))
		if !errors.Is(err, state.UnknownFormat) || !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%d rows: %v", count, err)
		}
	}
	if keys := p.keys(shard); len(keys) > 0 {
		t.Errorf("left behind: %q", keys)
	}
	s, err := c.OpenShard(t.Context(), shard)
	must(t, err)
	must(t, s.UpgradeFormat(t.Context()))
	must(t, w.CompareAndAppend(t.Context(), secrets(1, 0), frontier.At(0), frontier.At(1)))
	var version *persist.VersionError
	if _, err := old.Inspect(t.Context(), shard); !errors.As(err, &version) || version.Found != 3 || version.Newest != 2 {
		t.Errorf("an older program: %v", err)
	}
	impossible := persist.Config{Format: 2, Encrypter: newKeys(t, "k")}
	if err := impossible.Validate(); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("an encrypter without its format: %v", err)
	}
}

// exchange appends two batches, and then puts the bytes of each in the place of the other:
// in the store and, so that sizes and checksums are right, in the metadata.
func (p *place) exchange(config persist.Config, count int) {
	p.t.Helper()
	ctx, rt := p.t.Context(), p.live()
	w := p.writer(p.client(config), persist.ShardID{1})
	must(p.t, w.CompareAndAppend(ctx, secrets(count, 0), frontier.At(0), frontier.At(6)))
	must(p.t, w.CompareAndAppend(ctx, secrets(count, 6), frontier.At(6), frontier.At(12)))
	log, err := p.store.Consensus(rt).Scan(ctx, w.Shard().String(), 0, 10)
	must(p.t, err)
	first, err := state.DecodeDiff(log[1].Data)
	must(p.t, err)
	second, err := state.DecodeDiff(log[2].Data)
	must(p.t, err)
	batchA, batchB := first.Batches[0].New, second.Batches[0].New
	a, b := &batchA.Runs[0].Parts[0], &batchB.Runs[0].Parts[0]
	keyA, keyB := a.Key, b.Key
	*a, *b = *b, *a
	a.Key, b.Key = keyA, keyB
	blob := p.store.Blob(rt)
	if keyA != "" {
		keyA, keyB = state.PartKey(w.Shard().String()+"/")+keyA, state.PartKey(w.Shard().String()+"/")+keyB
		bytesA, _, err := blob.Get(ctx, string(keyA))
		must(p.t, err)
		bytesB, _, err := blob.Get(ctx, string(keyB))
		must(p.t, err)
		must(p.t, blob.Set(ctx, string(keyA), bytesB))
		must(p.t, blob.Set(ctx, string(keyB), bytesA))
	}
	other := newPlace(p.t)
	must(p.t, blob.List(ctx, "", func(key string, _ int) error {
		value, _, err := blob.Get(ctx, key)
		must(p.t, err)
		return other.store.Blob(rt).Set(ctx, key, value)
	}))
	for i, diff := range []*state.Diff{nil, first, second} {
		data := log[i].Data
		if diff != nil {
			data, err = state.EncodeDiff(diff)
			must(p.t, err)
		}
		next := persist.Versioned{SeqNo: log[i].SeqNo, Data: data}
		_, err := other.store.Consensus(rt).CompareAndSet(ctx, w.Shard().String(), next.SeqNo-1, next)
		must(p.t, err)
	}
	p.store = other.store
}

// TestExchangedBytesAreNotRead protects readers from whoever can write the store, but does
// not have the key: bytes that were encrypted for one place cannot be read in another,
// even if all the metadata was changed to match. Without encryption nobody would notice.
func TestExchangedBytesAreNotRead(t *testing.T) {
	for name, count := range map[string]int{"inlined": 2, "objects": 300} {
		p := newPlace(t)
		p.exchange(persist.Config{RollupThreshold: 100}, count)
		if _, err := read(t, p.client(persist.Config{})); err != nil {
			t.Errorf("%s, in the clear: %v", name, err)
		}
		p = newPlace(t)
		keys := newKeys(t, "k")
		p.exchange(persist.Config{RollupThreshold: 100, Encrypter: keys}, count)
		got, err := read(t, p.client(persist.Config{Encrypter: keys}))
		if !errors.Is(err, persist.ErrCorruption) || got != nil {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
	}
}

// refusing is an encrypter that fails for a while.
type refusing struct {
	persist.Encrypter
	left int
}

func (r *refusing) Encrypt(ctx context.Context, plaintext, bound []byte) (string, []byte, error) {
	if r.left > 0 {
		r.left--
		return "", nil, errors.New("no answer from where the keys are")
	}
	return r.Encrypter.Encrypt(ctx, plaintext, bound)
}

// TestKeysMayBeFarAway protects appends from a service of keys that fails now and then,
// and the store from rows in the clear when it never answers.
func TestKeysMayBeFarAway(t *testing.T) {
	p := newPlace(t)
	keys := &refusing{newKeys(t, "k"), 2}
	c := p.client(persist.Config{Encrypter: keys, RetryMin: time.Millisecond})
	w := p.writer(c, c.NewShardID())
	must(t, w.CompareAndAppend(t.Context(), secrets(1, 0), frontier.At(0), frontier.At(1)))
	keys.left = 1 << 30
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := w.CompareAndAppend(short, secrets(1, 1), frontier.At(1), frontier.At(2))
	if !errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	if objects, versions := p.occurrences(marker); objects+versions > 0 {
		t.Errorf("in the clear: in %d objects, %d versions", objects, versions)
	}
}
