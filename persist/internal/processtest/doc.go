// Package processtest lets tests start processes that they kill, and that do not outlive them.
//
// [Start] and [Output] run a command that on Linux the system kills with this process, however that
// ends: a test that is killed itself, by a time limit or a person, leaves nothing behind that spins or
// writes. Elsewhere it does. [HearUntilKilled] kills a process at a moment that chance decides, and hears
// what it has said with [Say] until then. [Kills] says how many a test is to kill.
//
// A test binary becomes the other process by a variable of its environment, which its TestMain looks at.
package processtest
