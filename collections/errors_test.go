package collections_test

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestErrorsSayWhatAndWhich protects people who read them: each says what is wrong and
// with which collection or shard, and where that was found.
func TestErrorsSayWhatAndWhich(t *testing.T) {
	at, shard := frontier.At, persist.ShardID{0xab}
	holds := []collections.HoldInspection{
		{ID: u1, Since: at(3), Origin: "app.Read"}, {ID: u2, Since: at(4), Origin: "app.Sync"},
	}
	for want, err := range map[string]error{
		"collections: fenced: epoch 9 has replaced 3, says the catalog": &collections.FencedError{Ours: 3, Actual: 9},
		"collections: fenced: epoch 9 has replaced 3, says shard " + shard.String(): &collections.FencedError{
			Ours: 3, Actual: 9, Shard: shard,
		},
		"collections: u1 can be read from {5} on and not as of 4": &collections.ReadBeforeSinceError{
			ID: u1, AsOf: 4, Since: at(5),
		},
		"collections: no shard of u1 is committed":        &collections.NotMappedError{ID: u1},
		"collections: the shard of u1 is still committed": &collections.StillMappedError{ID: u1},
		"collections: u1 was to be on shard " + shard.String() + ", which was given up": &collections.ShardRetiredError{
			ID: u1, Shard: shard,
		},
		"collections: u1 was to be on shard " + shard.String() + ", which is that of u2": &collections.ShardInUseError{
			ID: u1, Shard: shard, User: u2,
		},
		"collections: closed with 2 open holds; u1 at {3} by app.Read; u2 at {4} by app.Sync": &collections.OpenHoldsError{
			Holds: holds,
		},
		"collection u1 does not exist":                      &collections.CollectionMissingError{ID: u1},
		"collection id u1 is in use":                        &collections.IDReusedError{ID: u1},
		"collection u1 depends on u2, which does not exist": &collections.DependencyMissingError{ID: u1, Dependency: u2},
		"collection u1 depends on u2, which is being dropped": &collections.DependencyDroppingError{
			ID: u1, Dependency: u2,
		},
		"collections depend on each other: [u1 u2]": &collections.DependencyCycleError{IDs: ids{u1, u2}},
		"the since of collection u1 is {}":          &collections.UnreadableError{ID: u1},
		"hold on u1 at {3} is before {4}": &collections.SinceViolationError{
			ID: u1, Requested: at(3), Since: at(4),
		},
		"holds on different collections u1 and u2": &collections.WrongCollectionError{ID: u1, Other: u2},
		"I-1 violated: one is missing":             &collections.InvariantError{Invariant: "I-1", Details: "one is missing"},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

// TestErrorsHaveTheirClass protects callers who decide by it what to do next.
func TestErrorsHaveTheirClass(t *testing.T) {
	classes := []error{
		collections.ErrClosed, collections.ErrFenced, collections.ErrInvariant, collections.ErrNoCatalog,
		collections.ErrHoldClosed, collections.ErrWrongIssuer, persist.ErrUsage, persist.ErrIndeterminate,
	}
	for _, c := range []struct {
		err  error
		want error // the class, nil if it is none of them
	}{
		{&collections.FencedError{}, collections.ErrFenced},
		{&collections.InvariantError{}, collections.ErrInvariant},
		{&collections.ReadBeforeSinceError{}, persist.ErrUsage},
		{&collections.OpenHoldsError{}, nil},
		{&collections.NotMappedError{}, nil},
		{&collections.StillMappedError{}, nil},
		{&collections.ShardRetiredError{}, nil},
		{&collections.ShardInUseError{}, nil},
	} {
		for _, class := range classes {
			if is := errors.Is(c.err, class); is != errors.Is(c.want, class) {
				t.Errorf("%T is %q: %v", c.err, class, is)
			}
		}
	}
}
