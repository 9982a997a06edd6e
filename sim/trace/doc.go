// Package trace describes what happened in a simulated run, event by event,
// and prints it as a story.
//
// The simulator emits one [Event] for each operation that a task carries out
// or waits for, each choice that was not 0, each log record, fault and
// assertion, and the verdict. Events are only made when somebody asks for
// them: a run is recorded as a few bytes per choice, and replaying it with a
// sink is how a story is told. [Story] prints events as aligned lines of text;
// [Tail] keeps the last of them.
//
// Events and their text are for people. The hash of a run covers choices and
// effects, never this text, so wording may change freely.
package trace
