package frontier_test

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Two readers hold a collection at the times they read from. It may forget
// history only up to the earliest of them.
func Example() {
	var readers frontier.MutableAntichain
	update := func(t uint64, diff int64) {
		moved, err := readers.Update(t, diff)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d:%+d  readable from %v, moved by %v\n", t, diff, readers.Frontier(), moved)
	}
	update(1700, +1) // the first reader comes
	update(1705, +1) // the second comes
	update(1700, -1) // the first is done: up to 1705 history may go
	update(1705, -1) // the second is done: nobody reads
	// Output:
	// 1700:+1  readable from {1700}, moved by [1700:+1]
	// 1705:+1  readable from {1700}, moved by []
	// 1700:-1  readable from {1705}, moved by [1700:-1 1705:+1]
	// 1705:-1  readable from {}, moved by [1705:-1]
}

func ExampleAntichain() {
	var zero frontier.Antichain
	since, upper := frontier.At(3), frontier.At(8)
	fmt.Println(zero, since, upper, frontier.Empty())
	for _, t := range []uint64{2, 3, 7, 8} {
		isReadable := since.LessEqualTime(t) && !upper.LessEqualTime(t)
		fmt.Println(t, "readable:", isReadable)
	}
	// Output:
	// {0} {3} {8} {}
	// 2 readable: false
	// 3 readable: true
	// 7 readable: true
	// 8 readable: false
}

func ExampleAt() {
	upper := frontier.At(7)
	fmt.Println(upper, upper == frontier.At(7), upper == frontier.At(8))
	// Output: {7} true false
}

func ExampleEmpty() {
	sealed := frontier.Empty()
	last := frontier.At(frontier.MaxTime)
	fmt.Println(sealed, last.LessThan(sealed))
	// Output: {} true
}

func ExampleParse() {
	fmt.Println(frontier.Parse("{5}"))
	fmt.Println(frontier.Parse("{}"))
	fmt.Println(frontier.Parse("5"))
	// Output:
	// {5} <nil>
	// {} <nil>
	// {0} frontier: malformed antichain: text "5"
}

func ExampleAntichain_IsEmpty() {
	fmt.Println(frontier.Empty().IsEmpty(), frontier.At(0).IsEmpty(), frontier.At(frontier.MaxTime).IsEmpty())
	// Output: true false false
}

func ExampleAntichain_Time() {
	fmt.Println(frontier.At(5).Time())
	fmt.Println(frontier.Empty().Time())
	// Output:
	// 5 true
	// 0 false
}

func ExampleAntichain_Elements() {
	for _, since := range []frontier.Antichain{frontier.At(5), frontier.Empty()} {
		for t := range since.Elements() {
			fmt.Println("an element of", since, "is", t)
		}
	}
	// Output: an element of {5} is 5
}

func ExampleAntichain_Insert() {
	fmt.Println(frontier.Empty().Insert(4), frontier.At(4).Insert(7), frontier.At(4).Insert(3, 1, 2))
	// Output: {4} {4} {1}
}

func ExampleAntichain_LessEqualTime() {
	upper := frontier.At(5)
	fmt.Println(upper.LessEqualTime(4), upper.LessEqualTime(5), upper.LessEqualTime(6))
	fmt.Println(frontier.Empty().LessEqualTime(frontier.MaxTime))
	// Output:
	// false true true
	// false
}

func ExampleAntichain_LessThanTime() {
	upper := frontier.At(5)
	fmt.Println(upper.LessThanTime(4), upper.LessThanTime(5), upper.LessThanTime(6))
	// Output: false false true
}

func ExampleAntichain_LessEqual() {
	fmt.Println(frontier.At(3).LessEqual(frontier.At(5)), frontier.At(5).LessEqual(frontier.At(3)))
	fmt.Println(frontier.At(3).LessEqual(frontier.Empty()), frontier.Empty().LessEqual(frontier.At(3)))
	// Output:
	// true false
	// true false
}

func ExampleAntichain_LessThan() {
	fmt.Println(frontier.At(3).LessThan(frontier.At(5)), frontier.At(3).LessThan(frontier.At(3)))
	fmt.Println(frontier.Empty().LessThan(frontier.Empty()))
	// Output:
	// true false
	// false
}

func ExampleAntichain_Equal() {
	fmt.Println(frontier.At(3).Equal(frontier.At(3)), frontier.At(0).Equal(frontier.Empty()))
	// Output: true false
}

func ExampleAntichain_Join() {
	since := frontier.At(5)
	for _, wish := range []frontier.Antichain{frontier.At(9), frontier.At(7), frontier.Empty()} {
		since = since.Join(wish) // never goes back
		fmt.Println(since)
	}
	// Output:
	// {9}
	// {9}
	// {}
}

func ExampleAntichain_Meet() {
	needed := frontier.Empty()
	for _, reader := range []frontier.Antichain{frontier.At(9), frontier.At(5), frontier.Empty()} {
		needed = needed.Meet(reader)
	}
	fmt.Println(needed)
	// Output: {5}
}

func ExampleAntichain_AdvanceTime() {
	since := frontier.At(5)
	fmt.Println(since.AdvanceTime(3), since.AdvanceTime(7), frontier.Empty().AdvanceTime(3))
	// Output: 5 7 3
}

func ExampleAntichain_String() {
	fmt.Println(frontier.At(5).String(), frontier.Empty().String())
	// Output: {5} {}
}

func ExampleAntichain_MarshalText() {
	text, err := frontier.At(5).MarshalText()
	fmt.Println(string(text), err)
	// Output: {5} <nil>
}

func ExampleAntichain_UnmarshalText() {
	var since frontier.Antichain
	err := since.UnmarshalText([]byte("{5}"))
	fmt.Println(since, err)
	// Output: {5} <nil>
}

func ExampleAntichain_MarshalBinary() {
	data, err := frontier.At(5).MarshalBinary()
	fmt.Println(data, err)
	data, err = frontier.Empty().MarshalBinary()
	fmt.Println(data, err)
	// Output:
	// [1 5 0 0 0 0 0 0 0] <nil>
	// [0] <nil>
}

func ExampleAntichain_UnmarshalBinary() {
	var upper frontier.Antichain
	fmt.Println(upper.UnmarshalBinary([]byte{1, 5, 0, 0, 0, 0, 0, 0, 0}), upper)
	fmt.Println(upper.UnmarshalBinary(nil), upper)
	// Output:
	// <nil> {5}
	// frontier: malformed antichain: 0 bytes {5}
}

func ExampleStepForward() {
	fmt.Println(frontier.StepForward(5))
	fmt.Println(frontier.StepForward(frontier.MaxTime))
	// Output:
	// 6 true
	// 0 false
}

func ExampleStepBack() {
	fmt.Println(frontier.StepBack(5))
	fmt.Println(frontier.StepBack(0))
	// Output:
	// 4 true
	// 0 false
}

func ExampleCheckedAdd() {
	fmt.Println(frontier.CheckedAdd(5, 1000))
	fmt.Println(frontier.CheckedAdd(frontier.MaxTime-1, 2))
	// Output:
	// 1005 true
	// 0 false
}

func ExampleCheckedSub() {
	fmt.Println(frontier.CheckedSub(1005, 1000))
	fmt.Println(frontier.CheckedSub(5, 1000))
	// Output:
	// 5 true
	// 0 false
}

func ExampleSaturatingAdd() {
	fmt.Println(frontier.SaturatingAdd(5, 1000), frontier.SaturatingAdd(5, frontier.MaxTime))
	// Output: 1005 18446744073709551615
}

func ExampleSaturatingSub() {
	fmt.Println(frontier.SaturatingSub(1005, 1000), frontier.SaturatingSub(5, 1000))
	// Output: 5 0
}
