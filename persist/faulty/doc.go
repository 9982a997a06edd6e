// Package faulty makes stores fail.
//
// A [Plan] is a list of rules, each a predicate (which operation, which keys,
// how often) and an [Effect]: fail before the operation had its effect, or
// after, let the effect happen at some later time, or twice, stall, refuse, throttle, conflict,
// flip a bit of what is read, cut it off, or let a listing take its time. A plan has
// a text form that can be printed and parsed:
//
//	cas fail-after 1/20; set late 1/50; any stall 1/100 3s; get flip 1/5 key=s0 max=2
//
// [Faults] holds a plan and what is still to land. [Faults.Blob] and
// [Faults.Consensus] wrap the views that a process has of any store, and
// [Faults.Transport] its way to one that is reached by requests, such as S3. In a
// simulated world Faults is an object of the world, and all draws are choices
// on the stream "storage": they stop when the world quiesces. Live, the draws
// come from a seed of its own.
//
// [Faults.Outage] makes a store, or one process's view of it, unavailable for a while.
//
// Each delivered fault is counted through the runtime under the name of its
// effect. Errors of operations whose effect is unknown wrap
// [persist.ErrIndeterminate].
//
//sim:deterministic
package faulty
