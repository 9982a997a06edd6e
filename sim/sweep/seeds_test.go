package sweep_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/sim/sweep"
)

func drawn() uint64 { return 99 }

// TestSeedsAreParsed protects the notation of seeds on the command line.
func TestSeedsAreParsed(t *testing.T) {
	for text, want := range map[string]sweep.Seeds{
		"7":                      {{First: 7, Last: 7}},
		"0":                      {{First: 0, Last: 0}},
		"0x2a":                   {{First: 42, Last: 42}},
		"0X2A":                   {{First: 42, Last: 42}},
		"1_000_000":              {{First: 1_000_000, Last: 1_000_000}},
		"0xffff_ffff_ffff_ffff":  {{First: math.MaxUint64, Last: math.MaxUint64}},
		"010":                    {{First: 10, Last: 10}}, // decimal, not octal
		"1-1000":                 {{First: 1, Last: 1000}},
		"0x10-32":                {{First: 16, Last: 32}},
		"5-5":                    {{First: 5, Last: 5}},
		"1-1000,2000,0x2a":       {{First: 1, Last: 1000}, {First: 2000, Last: 2000}, {First: 42, Last: 42}},
		"3, 2 ,1":                {{First: 3, Last: 3}, {First: 2, Last: 2}, {First: 1, Last: 1}},
		"random":                 {{First: 99, Last: 99}},
		"random,1":               {{First: 99, Last: 99}, {First: 1, Last: 1}},
		"commit:0000001":         {{First: 1, Last: 1}},
		"commit:DEADBEEF":        {{First: 0xdeadbeef, Last: 0xdeadbeef}},
		"commit:" + longHash:     {{First: 0x0123456789abcdef, Last: 0x0123456789abcdef}},
		"0-18446744073709551615": {{First: 0, Last: math.MaxUint64}},
	} {
		got, err := sweep.ParseSeeds(text, drawn)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: error %v (-want +got):\n%s", text, err, diff)
		}
	}
}

const longHash = "aaaaaaaaaaaaaaaaaaaaaaaa0123456789abcdef"

// TestBadSeedsAreRefused protects people from runs that they did not ask for:
// the error is typed and quotes what it does not understand.
func TestBadSeedsAreRefused(t *testing.T) {
	for text, quoted := range map[string]string{
		"":                              `""`,
		"x":                             `"x"`,
		"1,,2":                          `""`,
		"-5":                            `"-5"`,
		"5-":                            `""`,
		"9-1":                           `"9-1" runs backwards`,
		"1.5":                           `"1.5"`,
		"0x":                            `"0x"`,
		"0b11":                          `"0b11"`,
		"_1":                            `"_1"`,
		"18446744073709551616":          "does not fit into 64 bits",
		"0x1ffffffffffffffff":           "does not fit into 64 bits",
		"Random":                        `"Random"`,
		"commit:":                       "has 0 digits, not 7 to 64",
		"commit:abc":                    "has 3 digits, not 7 to 64",
		"commit:xyzxyzxyz":              "is not hexadecimal",
		"commit:abcdxabcd":              "is not hexadecimal",
		"commit:x" + longHash:           "is not hexadecimal",
		"commit:" + longHash + longHash: "not 7 to 64",
	} {
		_, err := sweep.ParseSeeds(text, drawn)
		if !errors.Is(err, sweep.ErrSeeds) || !strings.Contains(err.Error(), quoted) {
			t.Errorf("%q: error %v, want it to contain %s", text, err, quoted)
		}
	}
}

// TestSeedsRoundTrip protects the command that repeats a sweep: what is printed
// is read as the same list.
func TestSeedsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := seedLists(t)
		got, err := sweep.ParseSeeds(want.String(), drawn)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%s: error %v (-want +got):\n%s", want, err, diff)
		}
	})
}

func seedLists(t *rapid.T) sweep.Seeds {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sweep.Range {
		first := rapid.Uint64().Draw(t, "first")
		return sweep.Range{First: first, Last: first + min(rapid.Uint64Range(0, 9).Draw(t, "more"), math.MaxUint64-first)}
	}), 1, 5).Draw(t, "seeds")
}

// TestSeedsAreYieldedInOrder protects sweeps: each seed of the list once, in
// its order, and as many as Count says.
func TestSeedsAreYieldedInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seeds := seedLists(t)
		var want []uint64
		for _, r := range seeds {
			for i := range r.Last - r.First + 1 {
				want = append(want, r.First+i)
			}
		}
		if diff := cmp.Diff(want, slices.Collect(seeds.All())); diff != "" || seeds.Count() != uint64(len(want)) {
			t.Fatalf("%s: count %d (-want +got):\n%s", seeds, seeds.Count(), diff)
		}
	})
}

// TestCountSaturates protects progress bars from lists that hold every seed.
func TestCountSaturates(t *testing.T) {
	all := sweep.Range{First: 0, Last: math.MaxUint64}
	for _, seeds := range []sweep.Seeds{{all}, {all, all}, {{First: 1, Last: math.MaxUint64}, {First: 1, Last: 9}}} {
		if got := seeds.Count(); got != math.MaxUint64 {
			t.Errorf("%s: %d", seeds, got)
		}
	}
	for seed := range (sweep.Seeds{all}).All() {
		if seed == 3 {
			break // the sequence can be left
		}
	}
}

// TestSeedsHaveOneSpelling protects names of runs.
func TestSeedsHaveOneSpelling(t *testing.T) {
	for seed, want := range map[uint64]string{
		0: "0", 1_000_000: "1000000", 1_000_001: "0x00000000000f4241", math.MaxUint64: "0xffffffffffffffff",
	} {
		if got := sweep.Format(seed); got != want {
			t.Errorf("%d: %s, want %s", seed, got, want)
		}
	}
	if got := sweep.Single(7).String(); got != "7" {
		t.Errorf("a single seed: %s", got)
	}
}

func ExampleParseSeeds() {
	seeds, err := sweep.ParseSeeds("1-3,0x2a", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(seeds, seeds.Count())
	for seed := range seeds.All() {
		fmt.Print(seed, " ")
	}
	// Output:
	// 1-3,42 4
	// 1 2 3 42
}
