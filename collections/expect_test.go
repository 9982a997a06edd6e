package collections_test

import (
	"errors"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/collections"
)

// unchanged calls something that must fail and leave everything as it is.
func (p *process) unchanged(name string, call func() error) error {
	p.w.Helper()
	before, stored := p.Inspect(), p.w.catalog.Inspect()
	err := call()
	if err == nil {
		p.w.Errorf("%s: no error", name)
	}
	ignored := cmpopts.IgnoreFields(collections.Inspection{}, "Version")
	if diff := cmp.Diff(before, p.Inspect(), ignored, cmpopts.EquateErrors()); diff != "" {
		p.w.Errorf("%s: has changed the controller (-before +after):\n%s", name, diff)
	}
	if diff := cmp.Diff(stored, p.w.catalog.Inspect()); diff != "" {
		p.w.Errorf("%s: has changed the catalog (-before +after):\n%s", name, diff)
	}
	return err
}

// refused makes calls that must all fail in the same way and have no effect.
func (p *process) refused(calls map[string]func() error, wanted error) {
	p.w.Helper()
	_ = p.unchanged("calls", func() error {
		for _, name := range sortedKeys(calls) {
			p.w.want(name, calls[name](), wanted)
		}
		return wanted
	})
}

// want fails the test unless the error is, or wraps, the one that is wanted.
func (w *world) want(name string, err, wanted error) {
	w.Helper()
	if !errors.Is(err, wanted) {
		w.Errorf("%s: got %v, want %v", name, err, wanted)
	}
}

// wantAs returns the error in the chain of err that has a type, and fails the test if
// there is none.
func wantAs[E error](w *world, name string, err error) (found E) {
	w.Helper()
	if !errors.As(err, &found) {
		w.Fatalf("%s: got %v, want a %T", name, err, found)
	}
	return found
}

// wantA fails the test unless there is an error of a type in the chain of err.
func wantA[E error](w *world, name string, err error) {
	w.Helper()
	_ = wantAs[E](w, name, err)
}

// second returns the error of a call that returns something else as well.
func second[T any](_ T, err error) error { return err }

// sortedKeys returns the keys of a map in their order, so that a run can be repeated.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
