package ordered_test

import "fmt"

func ExampleMap_Updated() {
	before := numbers{}.Updated(one(2, "two")).Updated(one(1, "one"))
	after := before.Updated(none(1)).Updated(one(3, "three"))

	for key, value := range before.All() {
		fmt.Println("before:", key, value)
	}
	for key, value := range after.All() {
		fmt.Println("after: ", key, value)
	}
	// Output:
	// before: 1 one
	// before: 2 two
	// after:  2 two
	// after:  3 three
}
