package invariants_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/runtime"
)

// told is a log that answers what it is told to.
type told struct {
	persist.Consensus
	committed bool
	versions  []persist.Versioned
	err       error
}

func (s *told) CompareAndSet(context.Context, string, persist.SeqNo, persist.Versioned) (bool, error) {
	return s.committed, s.err
}

func (s *told) Head(context.Context, string) (persist.Versioned, bool, error) {
	if len(s.versions) == 0 {
		return persist.Versioned{}, false, s.err
	}
	return s.versions[len(s.versions)-1], true, s.err
}

func (s *told) Scan(context.Context, string, persist.SeqNo, int) ([]persist.Versioned, error) {
	return s.versions, s.err
}

func (s *told) Truncate(context.Context, string, persist.SeqNo) (int, error) { return 0, s.err }

// logUser makes calls that are answered as the test says.
type logUser struct {
	t     *testing.T
	store *told
	log   persist.Consensus
}

func (u *logUser) write(committed bool, n persist.SeqNo, data string, err error) {
	u.store.committed, u.store.err = committed, err
	_, got := u.log.CompareAndSet(u.t.Context(), "key", n-1, persist.Versioned{SeqNo: n, Data: []byte(data)})
	u.want(got)
}

func (u *logUser) head(versions ...persist.Versioned) {
	u.store.versions, u.store.err = versions, nil
	_, _, got := u.log.Head(u.t.Context(), "key")
	u.want(got)
}

func (u *logUser) scan(from persist.SeqNo, versions ...persist.Versioned) {
	u.store.versions, u.store.err = versions, nil
	_, got := u.log.Scan(u.t.Context(), "key", from, 10)
	u.want(got)
}

func (u *logUser) truncate(before persist.SeqNo, err error) {
	u.store.err = err
	_, got := u.log.Truncate(u.t.Context(), "key", before)
	u.want(got)
}

// want checks that the caller has got the error of the store.
func (u *logUser) want(got error) {
	u.t.Helper()
	if !errors.Is(got, u.store.err) {
		u.t.Errorf("got %v, the store said %v", got, u.store.err)
	}
}

// TestALogSeesWrongAnswers protects the checker itself: what it says holds is found out when
// it does not.
func TestALogSeesWrongAnswers(t *testing.T) {
	v := func(n persist.SeqNo, data string) persist.Versioned {
		return persist.Versioned{SeqNo: n, Data: []byte(data)}
	}
	for name, c := range map[string]struct {
		want string // the invariant that is broken; none if empty
		run  func(u *logUser)
	}{
		"a right history": {"", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(false, 1, "b", nil)
			u.write(false, 2, "c", persist.ErrIndeterminate)
			u.scan(0, v(1, "a"), v(2, "c"))
			u.truncate(2, nil)
			u.scan(0, v(2, "c"))
			u.truncate(9, persist.ErrUsage)
			u.head(v(2, "c"))
		}},
		"a refused write that is there": {"P-2", func(u *logUser) {
			u.write(false, 1, "a", nil)
			u.head(v(1, "a"))
		}},
		"one of which nothing has happened": {"P-2", func(u *logUser) {
			u.write(false, 1, "a", persist.ErrDeterminate)
			u.head(v(1, "a"))
		}},
		"a refusal without a reason": {"P-2", func(u *logUser) {
			u.write(false, 1, "a", nil)
			u.write(true, 1, "b", nil)
		}},
		"two confirmed writes of a version": {"P-3", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(true, 1, "b", nil)
		}},
		"a confirmed write that is another one": {"P-3", func(u *logUser) {
			u.write(false, 1, "a", persist.ErrIndeterminate)
			u.write(true, 1, "b", nil)
			u.head(v(1, "a"))
		}},
		"a write at another place": {"P-3", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.scan(1, v(1, "a"), v(2, "a"))
		}},
		"a head from before": {"P-4", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(true, 2, "b", nil)
			u.head(v(1, "a"))
		}},
		"a scan with a gap": {"P-4", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(true, 2, "b", nil)
			u.write(true, 3, "c", nil)
			u.scan(1, v(1, "a"), v(3, "c"))
		}},
		"what nobody wrote": {"P-4", func(u *logUser) { u.head(v(1, "a")) }},
		"what was truncated": {"P-4", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(true, 2, "b", nil)
			u.truncate(2, nil)
			u.scan(1, v(1, "a"), v(2, "b"))
		}},
		"too much is truncated": {"P-5", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.write(true, 2, "b", nil)
			u.truncate(1, nil)
			u.scan(1, v(2, "b"))
		}},
		"all is truncated": {"P-5", func(u *logUser) {
			u.write(true, 1, "a", nil)
			u.truncate(1, nil)
			u.head()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			rt := runtime.New(runtime.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
			log, store := invariants.NewLog(), &told{}
			c.run(&logUser{t, store, log.Consensus(rt, store)})
			log.Audit(rt)
			if c.want == "" && said.Len() > 0 || !strings.Contains(said.String(), c.want) {
				t.Errorf("want %q, got %s", c.want, said.String())
			}
		})
	}
}

// depthMax is how many calls are under way at once, at most, but for the first.
const depthMax = 3

// liar is a log that now and then does not do what it says. While a call is under way, before
// its effect or after it, there may be others.
type liar struct {
	persist.Consensus
	t      *rapid.T
	lies   bool
	log    []persist.Versioned
	during func(deeper int)
	depth  int
}

// meanwhile makes some calls within the one that is under way.
func (s *liar) meanwhile() {
	if s.depth < depthMax && rapid.IntRange(0, 2).Draw(s.t, "meanwhile") == 0 {
		s.depth++
		s.during(s.depth)
		s.depth--
	}
}

func (s *liar) CompareAndSet(
	_ context.Context, _ string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	s.meanwhile()
	defer s.meanwhile()
	isNext := int(expected) == len(s.log)
	switch way := rapid.IntRange(0, 11).Draw(s.t, "way"); {
	case way == 0 && s.lies:
		return true, nil // without an effect
	case way == 1 && s.lies && isNext:
		s.log = append(s.log, next)
		return false, nil
	case way == 2 && s.lies:
		return false, nil // without a reason
	case way == 3 && s.lies && len(s.log) > 0:
		s.log[len(s.log)-1] = persist.Versioned{SeqNo: persist.SeqNo(len(s.log)), Data: next.Data}
		return true, nil
	case way == 4:
		return false, persist.ErrIndeterminate
	case isNext:
		s.log = append(s.log, next)
		if way == 5 {
			return false, persist.ErrIndeterminate
		}
	}
	return isNext, nil
}

func (s *liar) Head(context.Context, string) (persist.Versioned, bool, error) {
	s.meanwhile()
	defer s.meanwhile()
	n := len(s.log)
	if s.lies && n > 0 && rapid.IntRange(0, 7).Draw(s.t, "is stale") == 0 {
		n--
	}
	if n == 0 {
		return persist.Versioned{}, false, nil
	}
	return s.log[n-1], true, nil
}

// TestALogAgreesWithPorcupine holds the checker against a search for a linearization: of
// calls that overlap, on a log that may lie. It never finds fault with what is right; what
// it misses takes several lies that only together are wrong, about versions that nobody has read.
func TestALogAgreesWithPorcupine(t *testing.T) {
	missed, found := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var said strings.Builder
		rt := runtime.New(runtime.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
		log, history := invariants.NewLog(), persisttest.NewHistory()
		store := &liar{t: t, lies: rapid.Bool().Draw(t, "lies")}
		c := log.Consensus(rt, store)
		store.during = func(client int) {
			expected := persist.SeqNo(rapid.IntRange(0, len(store.log)+1).Draw(t, "expected"))
			if rapid.Bool().Draw(t, "reads") {
				if _, err := history.Head(t.Context(), client, c, "key"); err != nil {
					t.Fatal(err)
				}
				return
			}
			if _, err := history.CompareAndSet(t.Context(), client, c, "key", expected); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			store.during(0)
		}
		store.lies, store.depth = false, depthMax // nothing is under way any more
		if _, err := history.Head(t.Context(), 0, c, "key"); err != nil {
			t.Fatal(err)
		}
		log.Audit(rt)
		switch err := history.Check(); {
		case err == nil && said.Len() > 0:
			t.Fatalf("porcupine finds nothing wrong, the checker says %s", strconv.Quote(said.String()))
		case err != nil && said.Len() == 0:
			missed++
		case err != nil:
			found++
		}
	})
	if missed*100 > found {
		t.Errorf("of %d wrong histories %d were missed", missed+found, missed)
	}
}
