package runtime

import (
	"math/bits"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/exp/constraints"
)

// Rand is a stream of random numbers. Its source is the PCG generator, a
// documented algorithm; bounded numbers and shuffles are computed here, so a
// seed means the same on every Go release and architecture. A Rand belongs to
// one task at a time.
type Rand struct {
	pcg    rand.PCG
	stream *stream // nil unless somebody looks at the draws
}

// Draw is a number that a program takes from a stream of [Runtime.Rand] with a bound, as
// Below, Between, IntN, Chance and Shuffle do. It says which one by its place, which is
// the same for each stream of that name, node and incarnation.
type Draw struct {
	Stream string
	Index  uint64 // how many were drawn before it
	Value  uint64 // what was drawn, from 0 on
}

// stream is where a Rand has come to.
type stream struct {
	next  Draw
	draws func(Draw) uint64
}

// drawn lets somebody else have a look at a number, and returns what is to be used.
func (s *stream) drawn(value uint64) uint64 {
	s.next.Value = value
	answer := min(s.draws(s.next), value)
	s.next.Index++
	return answer
}

// Rand returns the stream of a name. It is a pure function of the runtime's
// seed, the name, the node and the incarnation: a second call with the same
// name returns the same stream from its start.
func (rt *Runtime) Rand(name string) *Rand {
	o := rt.options
	r := NewRand(mix(o.Seed, xxhash.Sum64String(o.Node+"\x00"+name), o.Incarnation))
	if o.Draws != nil {
		r.stream = &stream{next: Draw{Stream: name}, draws: o.Draws}
	}
	return r
}

// NewRand returns the stream of a seed.
func NewRand(seed uint64) *Rand {
	r := &Rand{}
	r.pcg.Seed(seed, splitmix(seed))
	return r
}

// Uint64 returns a uniform 64-bit number.
func (r *Rand) Uint64() uint64 { return r.pcg.Uint64() }

// IntN returns a uniform number in [0, n). It panics if n is less than 1.
func (r *Rand) IntN(n int) int { return int(Below(r, uint64(positive(n)))) }

// Float64 returns a uniform number in [0, 1).
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Chance reports true once in n times on average. It panics if n is less
// than 1.
func (r *Rand) Chance(n int) bool { return r.IntN(n) == 0 }

// Shuffle brings n elements into a uniform order by calling swap. It panics
// if n is negative.
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	if n < 0 {
		panic("runtime: Shuffle of a negative number of elements")
	}
	for i := n - 1; i > 0; i-- {
		swap(i, r.IntN(i+1))
	}
}

// Below returns a uniform number in [0, n). It panics if n is less than 1.
func Below[T constraints.Integer](r *Rand, n T) T {
	if n < 1 {
		panic("runtime: random number below a bound less than 1")
	}
	bound := uint64(n)
	high, low := bits.Mul64(r.Uint64(), bound)
	if low < bound { // Lemire's rejection, 2019: the result is exactly uniform
		for threshold := -bound % bound; low < threshold; {
			high, low = bits.Mul64(r.Uint64(), bound)
		}
	}
	if r.stream != nil {
		high = r.stream.drawn(high)
	}
	return T(high)
}

// Between returns a uniform number in [low, high]. It panics if high is less
// than low.
func Between[T constraints.Integer](r *Rand, low, high T) T {
	if high < low {
		panic("runtime: random number between reversed bounds")
	}
	span := uint64(high) - uint64(low)
	if span == 1<<64-1 {
		return T(r.Uint64())
	}
	return T(uint64(low) + Below(r, span+1))
}

func positive(n int) int {
	if n < 1 {
		panic("runtime: random number below a bound less than 1")
	}
	return n
}

// splitmix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mix folds three words into one.
func mix(a, b, c uint64) uint64 {
	return splitmix(splitmix(splitmix(a)^b) ^ c)
}
