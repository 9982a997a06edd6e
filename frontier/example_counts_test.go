package frontier_test

import (
	"errors"
	"fmt"
	"math"

	"github.com/tidemarkdb/tidemark/frontier"
)

func ExampleChange_String() {
	fmt.Println(frontier.Change{Time: 5, Diff: +1}, frontier.Change{Time: 7, Diff: -2})
	// Output: 5:+1 7:-2
}

func ExampleChangeBatch() {
	var mailbox frontier.ChangeBatch // the zero value is empty
	must(mailbox.Update(7, +1))
	must(mailbox.Update(5, +2))
	must(mailbox.Update(7, -1)) // cancels the first
	fmt.Println(mailbox)
	for t, diff := range mailbox.Drain() {
		fmt.Println("at", t, "add", diff)
	}
	fmt.Println(mailbox)
	// Output:
	// [5:+2]
	// at 5 add 2
	// []
}

func ExampleChangeBatch_Update() {
	var batch frontier.ChangeBatch
	fmt.Println(batch.Update(5, math.MaxInt64), batch)
	fmt.Println(batch.Update(5, +1), batch)
	fmt.Println(batch.Update(5, -math.MaxInt64), batch)
	// Output:
	// <nil> [5:+9223372036854775807]
	// frontier: diffs at time 5 overflow: 9223372036854775807 and 1 more [5:+9223372036854775807]
	// <nil> []
}

func ExampleChangeBatch_Extend() {
	var batch frontier.ChangeBatch
	err := batch.Extend(frontier.Change{Time: 7, Diff: +1}, frontier.Change{Time: 5, Diff: -1})
	fmt.Println(batch, err)
	// Output: [5:-1 7:+1] <nil>
}

func ExampleChangeBatch_Move() {
	var acquire, downgrade, release frontier.ChangeBatch
	must(acquire.Move(frontier.Empty(), frontier.At(5)))
	must(downgrade.Move(frontier.At(5), frontier.At(9)))
	must(release.Move(frontier.At(9), frontier.Empty()))
	fmt.Println(acquire, downgrade, release)
	// Output: [5:+1] [5:-1 9:+1] [9:-1]
}

func ExampleChangeBatch_Merge() {
	var first, second frontier.ChangeBatch
	must(first.Move(frontier.At(3), frontier.At(5)))
	must(second.Move(frontier.At(5), frontier.At(9)))
	must(first.Merge(&second))
	fmt.Println(first, second)
	// Output: [3:-1 9:+1] [5:-1 9:+1]
}

func ExampleChangeBatch_DrainInto() {
	var pending, mailbox frontier.ChangeBatch
	must(mailbox.Update(5, +1))
	must(mailbox.DrainInto(&pending))
	fmt.Println(pending, mailbox)
	// Output: [5:+1] []
}

func ExampleChangeBatch_Drain() {
	var batch frontier.ChangeBatch
	must(batch.Extend(
		frontier.Change{Time: 9, Diff: 1}, frontier.Change{Time: 5, Diff: 1}, frontier.Change{Time: 7, Diff: 1},
	))
	for t := range batch.Drain() {
		fmt.Println(t)
		if t == 7 {
			break // what was not handed out stays
		}
	}
	fmt.Println(batch)
	// Output:
	// 5
	// 7
	// [9:+1]
}

func ExampleChangeBatch_All() {
	var batch frontier.ChangeBatch
	must(batch.Move(frontier.At(9), frontier.At(5)))
	for t, diff := range batch.All() {
		fmt.Println(t, diff)
	}
	// Output:
	// 5 1
	// 9 -1
}

func ExampleChangeBatch_Len() {
	var batch frontier.ChangeBatch
	must(batch.Update(5, +1))
	must(batch.Update(5, +1))
	must(batch.Update(7, +1))
	fmt.Println(batch.Len())
	// Output: 2
}

func ExampleChangeBatch_IsEmpty() {
	var batch frontier.ChangeBatch
	must(batch.Update(5, +1))
	fmt.Println(batch.IsEmpty())
	must(batch.Update(5, -1))
	fmt.Println(batch.IsEmpty())
	// Output:
	// false
	// true
}

func ExampleChangeBatch_Clone() {
	var batch frontier.ChangeBatch
	must(batch.Update(5, +1))
	twin := batch.Clone()
	must(twin.Update(5, +1))
	fmt.Println(batch, twin)
	// Output: [5:+1] [5:+2]
}

func ExampleChangeBatch_Equal() {
	var a, b frontier.ChangeBatch
	must(a.Extend(frontier.Change{Time: 5, Diff: +1}, frontier.Change{Time: 7, Diff: +1}))
	must(b.Extend(frontier.Change{Time: 7, Diff: +1}, frontier.Change{Time: 5, Diff: +1}))
	fmt.Println(a.Equal(b))
	// Output: true
}

func ExampleChangeBatch_String() {
	var batch frontier.ChangeBatch
	fmt.Println(batch.String())
	must(batch.Move(frontier.At(5), frontier.At(7)))
	fmt.Println(batch.String())
	// Output:
	// []
	// [5:-1 7:+1]
}

func ExampleChangeBatch_Check() {
	var batch frontier.ChangeBatch
	must(batch.Update(5, +1))
	fmt.Println(batch.Check())
	// Output: <nil>
}

func ExampleMutableAntichain() {
	var held frontier.MutableAntichain // the zero value holds nothing
	fmt.Println(held)
	for _, t := range []uint64{9, 5, 7, 5} {
		_, err := held.Update(t, +1)
		must(err)
	}
	fmt.Println(held)
	// Output:
	// {} of []
	// {5} of [5:+2 7:+1 9:+1]
}

func ExampleMutableAntichain_Frontier() {
	var held frontier.MutableAntichain
	fmt.Println(held.Frontier())
	_, err := held.Update(5, +1)
	must(err)
	fmt.Println(held.Frontier())
	// Output:
	// {}
	// {5}
}

func ExampleMutableAntichain_Update() {
	var held frontier.MutableAntichain
	for _, c := range []frontier.Change{{Time: 5, Diff: +1}, {Time: 7, Diff: +1}, {Time: 5, Diff: -1}} {
		moved, err := held.Update(c.Time, c.Diff)
		must(err)
		fmt.Println(c, "moves the frontier by", moved)
	}
	// Output:
	// 5:+1 moves the frontier by [5:+1]
	// 7:+1 moves the frontier by []
	// 5:-1 moves the frontier by [5:-1 7:+1]
}

func ExampleMutableAntichain_Apply() {
	var held frontier.MutableAntichain
	_, err := held.Update(5, +1)
	must(err)

	var downgrade frontier.ChangeBatch
	must(downgrade.Move(frontier.At(5), frontier.At(9)))
	moved, err := held.Apply(&downgrade)
	fmt.Println(held.Frontier(), moved, err)
	// Output: {9} [5:-1 9:+1] <nil>
}

func ExampleMutableAntichain_Count() {
	var held frontier.MutableAntichain
	_, err := held.Update(5, +2)
	must(err)
	fmt.Println(held.Count(5), held.Count(6))
	// Output: 2 0
}

func ExampleMutableAntichain_Counts() {
	var held frontier.MutableAntichain
	for _, t := range []uint64{7, 5, 7} {
		_, err := held.Update(t, +1)
		must(err)
	}
	for t, count := range held.Counts() {
		fmt.Println(count, "at", t)
	}
	// Output:
	// 1 at 5
	// 2 at 7
}

func ExampleMutableAntichain_Len() {
	var held frontier.MutableAntichain
	for _, t := range []uint64{7, 5, 7} {
		_, err := held.Update(t, +1)
		must(err)
	}
	fmt.Println(held.Len())
	// Output: 2
}

func ExampleMutableAntichain_Clone() {
	var held frontier.MutableAntichain
	_, err := held.Update(5, +1)
	must(err)
	before := held.Clone()
	_, err = held.Update(5, -1)
	must(err)
	fmt.Println(before.Frontier(), held.Frontier())
	// Output: {5} {}
}

func ExampleMutableAntichain_Equal() {
	var a, b frontier.MutableAntichain
	_, err := a.Update(5, +1)
	must(err)
	fmt.Println(a.Equal(b))
	_, err = b.Update(5, +1)
	must(err)
	fmt.Println(a.Equal(b))
	// Output:
	// false
	// true
}

func ExampleMutableAntichain_String() {
	var held frontier.MutableAntichain
	_, err := held.Update(3, -1) // a release that overtook its hold
	must(err)
	_, err = held.Update(5, +1)
	must(err)
	fmt.Println(held.String())
	// Output: {5} of [3:-1 5:+1]
}

func ExampleMutableAntichain_Check() {
	var held frontier.MutableAntichain
	_, err := held.Update(5, +1)
	must(err)
	fmt.Println(held.Check())
	// Output: <nil>
}

func ExampleOverflowError() {
	var batch frontier.ChangeBatch
	must(batch.Update(5, math.MaxInt64))
	var overflow *frontier.OverflowError
	if errors.As(batch.Update(5, +1), &overflow) {
		fmt.Println("corrupt data at time", overflow.Time)
	}
	// Output: corrupt data at time 5
}

func ExampleOverflowError_Error() {
	err := &frontier.OverflowError{Time: 5, Sum: math.MinInt64, Diff: -1}
	fmt.Println(err.Error())
	// Output: frontier: diffs at time 5 overflow: -9223372036854775808 and -1 more
}
