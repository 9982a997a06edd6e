package core_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
)

// What is printed can be read again, and sorts by kind, then number.
func TestGlobalIDsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := core.GlobalID{
			Kind:   core.Kind(rapid.IntRange(int(core.System), int(core.Explain)).Draw(t, "kind")),
			Number: rapid.Uint64().Draw(t, "number"),
		}
		if id.Kind == core.Explain {
			id.Number = 0
		}
		text := must(id.MarshalText())(t)
		var parsed core.GlobalID
		if err := parsed.UnmarshalText(text); err != nil || parsed != id || !id.IsValid() {
			t.Fatalf("%v is read as %v: %v", id, parsed, err)
		}
	})
}

// Texts that are none must not be taken for the id of something else.
func TestMalformedGlobalIDsAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "u", "7", "u-1", "u+1", "u01", "x1", "us1", "u1 ", " u1", "U1", "si", "u18446744073709551616", "explain1", "none",
	} {
		if id, err := core.ParseGlobalID(text); !errors.Is(err, core.ErrMalformedID) {
			t.Errorf("%q is read as %v: %v", text, id, err)
		}
	}
	for _, id := range []core.GlobalID{{}, {Kind: 9}, {Kind: core.Explain, Number: 1}, {Number: 1}} {
		if _, err := id.MarshalText(); err == nil || id.IsValid() {
			t.Errorf("%#v has a text", id)
		}
		_, err := core.New().Reserve(core.Plan{ID: id})
		var invalid *core.InvalidIDError
		if !errors.As(err, &invalid) {
			t.Errorf("%#v can be created: %v", id, err)
		}
	}
}

func TestGlobalIDsAreOrderedByKindThenNumber(t *testing.T) {
	var sorted []string
	ids := []core.GlobalID{
		{Kind: core.Explain},
		core.UserID(10), core.TransientID(1), core.UserID(9), core.SystemID(100),
		{Kind: core.IntrospectionSourceIndex, Number: 3},
	}
	slices.SortFunc(ids, core.GlobalID.Compare)
	for _, id := range ids {
		sorted = append(sorted, id.String())
	}
	if want := []string{"s100", "si3", "u9", "u10", "t1", "explain"}; !slices.Equal(sorted, want) {
		t.Errorf("got %v, want %v", sorted, want)
	}
	if !ids[1].IsSystem() || !ids[0].IsSystem() || !ids[2].IsUser() || !ids[4].IsTransient() || ids[2].IsSystem() {
		t.Error("kinds are mixed up")
	}
}
