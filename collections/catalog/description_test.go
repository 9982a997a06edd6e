package catalog_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// TestValidateFindsWhatMakesNoSense protects the catalog from descriptions of which
// no collection can be made.
func TestValidateFindsWhatMakesNoSense(t *testing.T) {
	for _, test := range []struct {
		description catalog.Description
		want        string
	}{
		{catalog.Description{ID: user(1)}, ""},
		{catalog.Description{ID: user(0)}, ""},
		{catalog.Description{ID: user(1), Since: frontier.At(7)}, ""},
		{catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2), core.SystemID(1), user(2)}}, ""},
		{catalog.Description{}, "invalid description: id none"},
		{catalog.Description{ID: core.GlobalID{Kind: 77}}, "invalid description: id invalid77.0"},
		{
			catalog.Description{ID: user(1), Since: frontier.Empty()},
			"invalid description: u1 could never be read, its since is {}",
		},
		{
			catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2), {}}},
			"invalid description: u1 depends on id none",
		},
		{
			catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2), user(1)}},
			"invalid description: u1 depends on itself",
		},
	} {
		err := test.description.Validate()
		if text(err) != test.want {
			t.Errorf("%+v: got %q, want %q", test.description, text(err), test.want)
		}
		if err != nil && !errors.Is(err, catalog.ErrInvalidDescription) {
			t.Errorf("%+v: %v is no ErrInvalidDescription", test.description, err)
		}
	}
}

// TestEqualLooksAtTheWholeDescription protects against a change that is taken for
// none.
func TestEqualLooksAtTheWholeDescription(t *testing.T) {
	base := catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2)}, Since: frontier.At(7)}
	for _, other := range []catalog.Description{
		{ID: user(2), DependsOn: []catalog.GlobalID{user(2)}, Since: frontier.At(7)},
		{ID: user(1), DependsOn: []catalog.GlobalID{user(3)}, Since: frontier.At(7)},
		{ID: user(1), DependsOn: []catalog.GlobalID{user(2), user(3)}, Since: frontier.At(7)},
		{ID: user(1), Since: frontier.At(7)},
		{ID: user(1), DependsOn: []catalog.GlobalID{user(2)}, Since: frontier.At(8)},
		{ID: user(1), DependsOn: []catalog.GlobalID{user(2)}},
	} {
		if base.Equal(other) || other.Equal(base) {
			t.Errorf("%+v equals %+v", base, other)
		}
	}
	if !base.Equal(base) {
		t.Errorf("%+v does not equal itself", base)
	}
}

// TestDependenciesAreASet protects descriptions that list the same dependencies in
// another way; and Clone, which brings them into order, and shares and changes
// nothing.
func TestDependenciesAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.Map(rapid.Uint64Range(1, 6), user)).Draw(t, "ids")
		repeated := slices.Concat(ids, rapid.SliceOf(rapid.SampledFrom(append(ids, user(1)))).Draw(t, "repeated"))
		shuffled := rapid.Permutation(repeated).Draw(t, "shuffled")
		a := catalog.Description{ID: user(9), DependsOn: append(ids, user(1))}
		b := catalog.Description{ID: user(9), DependsOn: append(shuffled, user(1))}
		if !a.Equal(b) || !b.Equal(a) {
			t.Fatalf("%v and %v differ", a, b)
		}
		before := slices.Clone(b.DependsOn)
		clone := b.Clone()
		if !clone.Equal(b) {
			t.Fatalf("the clone %v of %v differs", clone, b)
		}
		want := make([]catalog.GlobalID, 0, 6)
		for n := range uint64(7) {
			if slices.Contains(before, user(n)) {
				want = append(want, user(n))
			}
		}
		if diff := cmp.Diff(want, clone.DependsOn); diff != "" {
			t.Fatalf("dependencies of the clone (-want +got):\n%s", diff)
		}
		clear(clone.DependsOn)
		if diff := cmp.Diff(before, b.DependsOn); diff != "" {
			t.Fatalf("dependencies of the original (-before +after):\n%s", diff)
		}
	})
}
