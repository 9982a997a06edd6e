package sim

// FromBytes returns the strategy that takes its choices from data, whatever the seed: a
// choice among n takes the next byte, or as many as n-1 has, high ones first, modulo n.
// Where data has come to its end the choice is 0, so that the empty string is the calmest
// run, and a shorter one is calmer. It is for fuzzers, which change bytes and look at
// what that reaches; see also [Tape.Bytes].
//
// The streams of runtime.Rand do not depend on it, but on the seed of the run.
func FromBytes(data []byte) func(seed uint64) Strategy {
	return func(uint64) Strategy { return &fromBytes{rest: data} }
}

// fromBytes takes bytes off the front. It does not change them.
type fromBytes struct{ rest []byte }

// Pick implements [Strategy].
func (f *fromBytes) Pick(d *Decision) int { return f.next(d.n) }

// Draw implements [Strategy].
func (f *fromBytes) Draw(_, _ string, n int) int { return f.next(n) }

func (f *fromBytes) String() string { return "bytes" }

func (f *fromBytes) next(n int) int {
	var value uint64
	for size := bytesFor(uint64(n)); size > 0; size-- {
		if len(f.rest) == 0 {
			return 0
		}
		value = value<<8 | uint64(f.rest[0])
		f.rest = f.rest[1:]
	}
	return int(value % uint64(n))
}

// bytesFor returns how many bytes a choice among n takes.
func bytesFor(n uint64) int {
	size := 1
	for n > 256 {
		n, size = (n+255)/256, size+1
	}
	return size
}

// Bytes returns the choices in the form that [FromBytes] takes: a run with the seed and
// the limits of the tape and with this strategy makes the same choices. Zeros at the end are left out.
func (t *Tape) Bytes() []byte {
	var data []byte
	for rest := t.Choices; ; {
		n, picked, more, ok := choice(rest)
		if !ok {
			break
		}
		rest = more
		for size := bytesFor(n); size > 0; size-- {
			data = append(data, byte(picked>>(8*(size-1))))
		}
	}
	for len(data) > 0 && data[len(data)-1] == 0 {
		data = data[:len(data)-1]
	}
	return data
}
