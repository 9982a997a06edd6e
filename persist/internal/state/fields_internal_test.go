package state

import (
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// This test is inside the package because it is about the table of fields, which
// nobody outside can see: that it is complete, and that what it says is enough
// for a field to be applied, compared, encoded and shown.

// tested is what the tests add to a field, so that a new one is tested without
// further ado.
type tested interface {
	field
	// places returns pointers to the field in a state and its entry in a diff.
	places(s *State, diff *Diff) (inState, inDiff any)
	// randomise gives the field an arbitrary value.
	randomise(t *rapid.T, s *State)
	// mutate makes an arbitrary change in a candidate.
	mutate(t *rapid.T, c *Candidate)
}

func (f *single[T]) places(s *State, diff *Diff) (any, any) { return f.inState(s), f.inDiff(diff) }

func (f *table[K, V, M]) places(s *State, diff *Diff) (any, any) { return f.inState(s), f.inDiff(diff) }

func (f *single[T]) randomise(t *rapid.T, s *State) {
	*f.inState(s) = arbitrary[T]().Draw(t, f.label)
}

func (f *single[T]) mutate(t *rapid.T, c *Candidate) { f.set(c, arbitrary[T]().Draw(t, f.label)) }

func (f *table[K, V, M]) mutate(t *rapid.T, c *Candidate) {
	k := arbitrary[K]().Draw(t, f.label+" key")
	switch rapid.IntRange(0, 2).Draw(t, f.label+" change") {
	case 0:
		f.put(c, k, nil)
	case 1:
		f.put(c, k, (*f.inState(c.base)).Lookup(k)) // back to what it was
	default:
		v := arbitrary[V]().Draw(t, f.label)
		f.put(c, k, &v)
	}
}

func (f *table[K, V, M]) randomise(t *rapid.T, s *State) {
	keys := rapid.SliceOfN(arbitrary[K](), 0, 5).Draw(t, f.label+" keys")
	slices.SortFunc(keys, K.Compare)
	keys = slices.CompactFunc(keys, func(a, b K) bool { return a.Compare(b) == 0 })
	values := rapid.SliceOfN(arbitrary[V](), len(keys), len(keys)).Draw(t, f.label)
	*f.inState(s) = (*f.inState(s)).Updated(func(yield func(K, *V) bool) {
		for i, k := range keys {
			if !yield(k, &values[i]) {
				return
			}
		}
	})
}

// arbitrary generates values of any type that is stored. Small numbers are
// frequent and ids few, so that maps have keys in common.
func arbitrary[T any]() *rapid.Generator[T] {
	numbers := rapid.OneOf(rapid.Uint64Range(0, 6), rapid.Uint64())
	bytes := rapid.SliceOfN(rapid.Byte(), 0, 3)
	return rapid.MakeCustom[T](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{
			reflect.TypeFor[frontier.Antichain](): frontiertest.Antichain().AsAny(),
			reflect.TypeFor[struct{}]():           rapid.Just(struct{}{}).AsAny(),
			reflect.TypeFor[[]byte]():             bytes.AsAny(),
			reflect.TypeFor[[8]byte]():            rapid.Map(rapid.Byte(), func(b byte) [8]byte { return [8]byte{b} }).AsAny(),
		},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{
			reflect.Array:  rapid.Map(rapid.ByteMax(7), func(b byte) [16]byte { return [16]byte{b} }).AsAny(),
			reflect.Uint64: numbers.AsAny(),
			reflect.String: rapid.StringN(0, 5, 10).AsAny(),
		},
	})
}

func arbitraryState(t *rapid.T, shard ShardID, n SeqNo) *State {
	s := new(State)
	s.header = Header{
		Shard: shard, SeqNo: n, WalltimeMS: uint64(n), Version: CurrentFormat,
		Hostname: rapid.StringN(0, 5, 10).Draw(t, "host"),
	}
	for _, f := range fields {
		f.(tested).randomise(t, s)
	}
	return s
}

// A field of State that the table does not know would be lost in every diff and
// every rollup; one of Diff that it does not know would never be applied.
func TestTableHasEveryFieldOnce(t *testing.T) {
	var s State
	var diff Diff
	inState, inDiff := map[uintptr]int{}, map[uintptr]int{}
	for _, f := range fields {
		state, change := f.(tested).places(&s, &diff)
		inState[reflect.ValueOf(state).Pointer()-uintptr(unsafe.Pointer(&s))]++
		inDiff[reflect.ValueOf(change).Pointer()-uintptr(unsafe.Pointer(&diff))]++
	}
	check := func(structure reflect.Type, places map[uintptr]int, apart ...string) {
		for field := range structure.Fields() {
			want := 1
			if slices.Contains(apart, field.Name) {
				want = 0
			}
			if got := places[field.Offset]; got != want {
				t.Errorf("%s.%s stands %d times in the table, want %d", structure.Name(), field.Name, got, want)
			}
		}
	}
	check(reflect.TypeFor[State](), inState, "header")
	check(reflect.TypeFor[Diff](), inDiff, "Header", "From", "LatestRollup")
}

func TestTableIsInTheOrderOfDiff(t *testing.T) {
	var diff Diff
	previous := uintptr(0)
	for _, f := range fields {
		_, change := f.(tested).places(new(State), &diff)
		if place := reflect.ValueOf(change).Pointer(); place <= previous {
			t.Errorf("%s is out of order", f.name())
		} else {
			previous = place
		}
	}
}

// Whatever two states are, the diff between them leads from the one to the other,
// and neither loses anything by being stored: mz#14490 was a forgotten field.
func TestArbitraryStatesSurviveDiffsAndRollups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := arbitraryState(t, ShardID{1}, 4)
		next := arbitraryState(t, ShardID{1}, 5)
		encoded, err := EncodeDiff(Between(old, next))
		if err != nil {
			t.Fatalf("EncodeDiff: %v", err)
		}
		diff, err := DecodeDiff(encoded)
		if err != nil {
			t.Fatalf("DecodeDiff: %v", err)
		}
		applied, err := Apply(old, diff)
		if err != nil {
			t.Fatalf("Apply: %v\n%v", err, diff)
		}
		requireSame(t, next, applied)

		rollup, err := EncodeRollup(next)
		if err != nil {
			t.Fatalf("EncodeRollup: %v", err)
		}
		decoded, err := DecodeRollup(rollup)
		if err != nil {
			t.Fatalf("DecodeRollup: %v", err)
		}
		requireSame(t, next, decoded)
		if again, err := EncodeRollup(applied); err != nil || !slices.Equal(again, rollup) {
			t.Fatalf("the applied state has another rollup (error %v):\n%x\n%x", err, again, rollup)
		}
		_, _, _ = next.String(), diff.String(), next.Check() // they only have to return
		_ = CheckTransition(old, next)
	})
}

// requireSame compares without State.Equal too, which is under test.
func requireSame(t *rapid.T, want, got *State) {
	t.Helper()
	if !want.Equal(got) || want.String() != got.String() || want.batches.totals != got.batches.totals {
		t.Fatalf("want:\n%v\ngot:\n%v", want, got)
	}
}

// A change of any single field is seen by Equal, recorded in the one entry of the
// diff that is for it, and shown.
func TestEveryFieldCountsByItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := arbitraryState(t, ShardID{1}, 4)
		other := arbitraryState(t, ShardID{1}, 4)
		for _, f := range fields {
			next := new(State)
			*next = *old
			inState, _ := f.(tested).places(next, new(Diff))
			from, _ := f.(tested).places(other, new(Diff))
			reflect.ValueOf(inState).Elem().Set(reflect.ValueOf(from).Elem())

			isSame := f.equal(old, other)
			if old.Equal(next) != isSame {
				t.Fatalf("%s: Equal is %t, the field is the same: %t", f.name(), old.Equal(next), isSame)
			}
			diff := Between(old, next)
			for _, g := range fields {
				if want := g == f && !isSame; g.isChanged(diff) != want {
					t.Fatalf("%s changed: %s is changed in the diff: %t", f.name(), g.name(), !want)
				}
			}
			if len(diff.String()) > len(diff.Header.String()) == isSame {
				t.Fatalf("%s: the text of the diff is %q", f.name(), diff)
			}
		}
	})
}

// Whatever commands do on a candidate, and undo again, its diff is the difference
// between the two versions and nothing more.
func TestCandidatesRecordTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := arbitraryState(t, ShardID{1}, 4)
		c, err := NewCandidate(Environment{}, base)
		if err != nil {
			t.Fatalf("NewCandidate: %v", err)
		}
		some := []field{rapid.SampledFrom(fields).Draw(t, "field"), rapid.SampledFrom(fields).Draw(t, "other field")}
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			rapid.SampledFrom(some).Draw(t, "changed field").(tested).mutate(t, c)
		}
		want := Between(base, c.next)
		c.diff.Header, c.diff.From, c.diff.LatestRollup = want.Header, want.From, want.LatestRollup
		if !reflect.DeepEqual(want, c.diff) {
			t.Fatalf("recorded:\n%v\nwant:\n%v", c.diff, want)
		}
	})
}

// No command violates a tombstone, so only this test sees that one would be
// stopped.
func TestFinishGuardsTombstones(t *testing.T) {
	tombstone := new(State)
	tombstone.header = Header{SeqNo: 5, Version: CurrentFormat}
	tombstone.since = frontier.Empty()
	closing := &Batch{IDs: BatchIDs{Upper: 1}, Desc: Desc{Upper: frontier.Empty()}}
	tombstone.batches = tombstone.batches.Updated(func(yield func(BatchID, *Batch) bool) { yield(0, closing) })
	for name, change := range map[string]func(c *Candidate){
		"writer": func(c *Candidate) { writersField.put(c, WriterID{1}, &Writer{}) },
		"epoch":  func(c *Candidate) { batchEpochField.set(c, 1) },
	} {
		c, err := NewCandidate(Environment{}, tombstone)
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		c.propose()
		_, err = c.Finish()
		requireInvariant(t, name, err, "P-15")
	}
}

// A diff that was made for another state is refused, unless the two agree on
// everything that it touches; then it does there just what it says.
func TestApplyRefusesADiffOfAnotherState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		diff := Between(arbitraryState(t, ShardID{1}, 4), arbitraryState(t, ShardID{1}, 5))
		other := arbitraryState(t, ShardID{1}, 4)
		applied, err := Apply(other, diff)
		if err != nil {
			var corruption *CorruptionError
			if !isCorruption(err, &corruption) {
				t.Fatalf("error is %v, want corruption", err)
			}
			return
		}
		if again := Between(other, applied); again.String() != diff.String() {
			t.Fatalf("the diff did something else:\n%v\n%v", diff, again)
		}
	})
}

func isCorruption(err error, corruption **CorruptionError) (ok bool) {
	*corruption, ok = err.(*CorruptionError)
	return ok
}

// A body that is not what an encoder writes, in an envelope that is intact: no
// decoder may panic, whatever it then does with it.
func FuzzDecodeBody(f *testing.F) {
	states := rapid.Custom(func(t *rapid.T) *State { return arbitraryState(t, ShardID{1}, 4) })
	for seed := range 10 {
		body, err := wire.Marshal(Between(states.Example(seed), states.Example(seed+100)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		requireNoPanic(t, body)
	})
}

// requireNoPanic also requires that what is accepted is what would be written.
func requireNoPanic(t interface{ Fatalf(string, ...any) }, body []byte) {
	for _, kind := range []wire.Kind{wire.KindDiff, wire.KindRollup} {
		record, err := wire.Seal(kind, uint64(CurrentFormat), body)
		if err != nil {
			t.Fatalf("Seal: %v", err)
		}
		diff, err := open(kind, record)
		if err != nil {
			continue
		}
		if again, err := wire.Marshal(diff); err != nil || !slices.Equal(again, body) {
			t.Fatalf("accepted %x, which is written as %x (error %v)", body, again, err)
		}
		_ = diff.String()
		for _, base := range []*State{{}, {header: Header{Shard: diff.Shard, SeqNo: diff.From}}} {
			if s, err := apply(base, diff); err == nil {
				_, _, _ = s.String(), s.Check(), CheckTransition(base, s)
			}
		}
	}
}

// Damage that a fuzzer rarely finds: valid bodies with pieces exchanged.
func TestDecodersSurviveDamage(t *testing.T) { rapid.Check(t, damage) }

func FuzzDamage(f *testing.F) { f.Fuzz(rapid.MakeFuzz(damage)) }

func damage(t *rapid.T) {
	diff := Between(arbitraryState(t, ShardID{1}, 4), arbitraryState(t, ShardID{1}, 5))
	body, err := wire.Marshal(diff)
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	for range rapid.IntRange(1, 4).Draw(t, "damages") {
		from := rapid.IntRange(0, len(body)).Draw(t, "from")
		to := rapid.IntRange(from, min(from+8, len(body))).Draw(t, "to")
		with := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0x80, 0x82, 0xa0, 0xf6, 0xff})), 0, 8)
		body = slices.Replace(body, from, to, with.Draw(t, "with")...)
	}
	requireNoPanic(t, body)
}
