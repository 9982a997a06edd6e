// Package partial is frontier for times that are only partially ordered, written
// to be obviously right. It is the model that the tests compare package frontier
// with, and nothing else imports it.
//
// [Antichain], [ChangeBatch] and [MutableAntichain] follow the published design
// of timely dataflow closely: a frontier is a list of incomparable times, a
// batch is a list that is put in order when somebody looks, and a multiset
// recomputes its frontier from all its counts whenever a change might move it.
// Where frontier keeps sorted structures and moves by single steps, this package
// scans, so that the two have hardly a line of reasoning in common.
//
// [Uint64] makes it the twin of package frontier. [Pair], under the product
// order, has frontiers of many elements and finds what a total order hides.
//
// The model is for one goroutine and for sums far from the limits of int64,
// which it does not check.
package partial
