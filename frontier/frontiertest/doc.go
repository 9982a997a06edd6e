// Package frontiertest generates times, frontiers and changes for property tests
// of packages that build on frontier.
//
// The generators favour what goes wrong: few small times, so that values meet
// and cancel; both ends of the range of times; the empty frontier; batches and
// multisets on either side of the size up to which they need no allocation. They
// are generators of rapid and are drawn with a label:
//
//	since := frontiertest.Antichain().Draw(t, "since")
//	held := frontiertest.MutableAntichain().Draw(t, "held")
//
// Every draw of a pointer is a value of its own, free to be modified. What is
// drawn satisfies the Check method of its type; multisets have positive counts
// only, as their owners want them.
//
// Only tests import this package.
package frontiertest
