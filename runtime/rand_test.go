package runtime_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The meaning of a seed is part of the promise: these values are the same on
// every release and architecture. If this test fails, recorded seeds of users
// have lost their meaning; the values must not be replaced.
func TestSeedMeansTheSameForEver(t *testing.T) {
	r := runtime.NewRand(1)
	words := []uint64{r.Uint64(), r.Uint64(), r.Uint64()}
	if diff := cmp.Diff([]uint64{0xb8498e67c2d9caad, 0x3687d586a339dcf7, 0x9963634b04596afe}, words); diff != "" {
		t.Errorf("Uint64 of seed 1 (-want +got):\n%s", diff)
	}
	bounded := []any{
		r.IntN(6), r.IntN(1000), r.Float64(), runtime.Below(r, int8(100)), runtime.Between(r, int64(-5), 5),
		runtime.Below(r, uint64(1)<<63+1), r.Chance(2),
	}
	want := []any{0, 588, 0.6913000054348035, int8(2), int64(2), uint64(5030079861406120824), true}
	if diff := cmp.Diff(want, bounded); diff != "" {
		t.Errorf("bounded numbers of seed 1 (-want +got):\n%s", diff)
	}
	order := []int{0, 1, 2, 3, 4, 5, 6, 7}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if diff := cmp.Diff([]int{5, 6, 3, 0, 7, 4, 1, 2}, order); diff != "" {
		t.Errorf("order after Shuffle (-want +got):\n%s", diff)
	}
}

// A stream depends on seed, name, node and incarnation, and on nothing else:
// not on what was drawn from other streams before.
func TestStreamsAreIndependent(t *testing.T) {
	tests := []struct {
		options runtime.Options
		name    string
		want    uint64
	}{
		{runtime.Options{Seed: 1}, "x", 0x70a7aa7bbe78a7d3},
		{runtime.Options{Seed: 1}, "y", 0xc879866c8e749e91},
		{runtime.Options{Seed: 2}, "x", 0x4b2be76a3cbd450e},
		{runtime.Options{Seed: 1, Node: "a"}, "x", 0x6660029857445147},
		{runtime.Options{Seed: 1, Incarnation: 1}, "x", 0x2a94e59eb6e9cd0f},
	}
	for _, test := range tests {
		rt := runtime.New(test.options)
		rt.Rand("another").Uint64()
		if got := rt.Rand(test.name).Uint64(); got != test.want {
			t.Errorf("stream %q of %+v begins with %#x, want %#x", test.name, test.options, got, test.want)
		}
	}
}

// Plugged in, the streams are those of the live runtime.
func TestStreamsAreTheSamePluggedIn(t *testing.T) {
	options := runtime.Options{Seed: 1, Node: "a"}
	live, plugged := runtime.New(options), runtime.Plug(&toyScheduler{}, options)
	if a, b := live.Rand("x").Uint64(), plugged.Rand("x").Uint64(); a != b {
		t.Errorf("live %#x, plugged in %#x", a, b)
	}
}

// Without a seed a live runtime draws one: two processes must not make the
// same choices.
func TestLiveSeedIsDrawn(t *testing.T) {
	first, second := runtime.New(runtime.Options{}), runtime.New(runtime.Options{})
	if first.Rand("x").Uint64() == second.Rand("x").Uint64() {
		t.Error("two runtimes without a seed have the same stream")
	}
}

// Numbers stay between their bounds, for every integer type and for spans that
// fill it.
func TestNumbersStayInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := runtime.NewRand(rapid.Uint64().Draw(t, "seed"))
		checkBetween(t, r, rapid.Int8().Draw(t, "a8"), rapid.Int8().Draw(t, "b8"))
		checkBetween(t, r, rapid.Uint16().Draw(t, "a16"), rapid.Uint16().Draw(t, "b16"))
		checkBetween(t, r, rapid.Int64().Draw(t, "a64"), rapid.Int64().Draw(t, "b64"))
		checkBetween(t, r, math.MinInt64, int64(math.MaxInt64))
		checkBetween(t, r, 0, uint64(math.MaxUint64))
		n := rapid.Uint64Min(1).Draw(t, "n")
		if v := runtime.Below(r, n); v >= n {
			t.Fatalf("Below(%d) = %d", n, v)
		}
		if f := r.Float64(); f < 0 || f >= 1 {
			t.Fatalf("Float64() = %v", f)
		}
	})
}

func checkBetween[T int8 | uint16 | int64 | uint64](t *rapid.T, r *runtime.Rand, a, b T) {
	low, high := min(a, b), max(a, b)
	if v := runtime.Between(r, low, high); v < low || v > high {
		t.Fatalf("Between(%d, %d) = %d", low, high, v)
	}
}

// Below agrees with its definition, computed slowly: of the product of a word
// and n, the high word, unless the low one is among the 2^64 mod n that would
// give some results a chance too many.
func TestBelowIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		n := rapid.OneOf(rapid.Uint64Min(1), rapid.SampledFrom([]uint64{1, 3 << 61, 1<<63 + 1})).Draw(t, "n")
		fast, slow := runtime.NewRand(seed), runtime.NewRand(seed)
		for range 16 {
			if got, want := runtime.Below(fast, n), belowSlowly(slow, n); got != want {
				t.Fatalf("Below(%d) = %d, want %d", n, got, want)
			}
		}
	})
}

func belowSlowly(r *runtime.Rand, n uint64) uint64 {
	words := new(big.Int).Lsh(big.NewInt(1), 64)
	bound := new(big.Int).SetUint64(n)
	surplus := new(big.Int).Mod(words, bound)
	for {
		product := new(big.Int).Mul(new(big.Int).SetUint64(r.Uint64()), bound)
		high, low := new(big.Int).DivMod(product, words, new(big.Int))
		if low.Cmp(surplus) >= 0 {
			return high.Uint64()
		}
	}
}

// Every face of a die comes up about as often as the others.
func TestNumbersAreUniform(t *testing.T) {
	const throws = 60_000
	r, faces := runtime.NewRand(3), make([]int, 6)
	for range throws {
		faces[r.IntN(6)]++
	}
	if least, most := slices.Min(faces), slices.Max(faces); least < 9700 || most > 10300 {
		t.Errorf("faces of %d throws: %v", throws, faces)
	}
}

// A shuffle loses nothing and repeats nothing.
func TestShuffleIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := make([]int, rapid.IntRange(0, 50).Draw(t, "n"))
		for i := range order {
			order[i] = i
		}
		want := slices.Clone(order)
		runtime.NewRand(rapid.Uint64().Draw(t, "seed")).Shuffle(len(order), func(i, j int) {
			order[i], order[j] = order[j], order[i]
		})
		slices.Sort(order)
		if diff := cmp.Diff(want, order); diff != "" {
			t.Fatalf("elements after Shuffle (-want +got):\n%s", diff)
		}
	})
}

// Bounds without a number between them panic, as in math/rand.
func TestImpossibleBoundsPanic(t *testing.T) {
	r := runtime.NewRand(1)
	calls := map[string]func(){
		"IntN(0)":       func() { r.IntN(0) },
		"IntN(-1)":      func() { r.IntN(-1) },
		"Chance(0)":     func() { r.Chance(0) },
		"Below(0)":      func() { runtime.Below(r, uint8(0)) },
		"Between(2, 1)": func() { runtime.Between(r, 2, 1) },
		"Shuffle(-1)":   func() { r.Shuffle(-1, func(int, int) {}) },
	}
	for name, call := range calls {
		if recovered(call) == nil {
			t.Errorf("%s did not panic", name)
		}
	}
}

// recovered calls f and returns the value that it panicked with.
func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// TestDrawsAreSeenAndMadeSmaller protects simulators that make workloads smaller: each
// bounded number of a runtime's streams is seen with its place, what is answered takes
// its place unless it is more, and the numbers behind it stay as they are.
func TestDrawsAreSeenAndMadeSmaller(t *testing.T) {
	var seen []runtime.Draw
	free := runtime.New(runtime.Options{Seed: 7}).Rand("ops")
	rt := runtime.New(runtime.Options{Seed: 7, Draws: func(d runtime.Draw) uint64 {
		seen = append(seen, d)
		switch d.Index {
		case 1:
			return 0
		case 2:
			return d.Value + 1
		}
		return d.Value
	}})
	rand := rt.Rand("ops")
	for i := range 5 {
		want, got := 10+free.IntN(90), runtime.Between(rand, 10, 99)
		if i == 1 {
			want = 10
		}
		if got != want {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
	}
	if rand.Uint64() != free.Uint64() {
		t.Error("a number without a bound was changed")
	}
	if len(seen) != 5 || seen[4].Index != 4 || seen[4].Stream != "ops" {
		t.Errorf("seen: %v", seen)
	}
}
