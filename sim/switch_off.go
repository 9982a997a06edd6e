//go:build !race

package sim

import (
	"runtime/debug"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Without the race detector the program runs on its task's coroutine, and the
// kernel on the same stack.

// guest is what the program of a task needs beside its coroutine.
type guest struct{}

// hosting is the kernel's side of its guests.
type hosting struct{}

// history is what the race detector has to know about the past.
type history struct{}

// plug returns the scheduler that the runtime of a life is plugged into.
func plug(l *life) runtime.Scheduler { return l }

// runTask runs the worker's task to its end.
func (*kernel) runTask(w *worker) { w.task.runtime.Run() }

// runAlarm runs a function of the program in which there is no current task.
func (*kernel) runAlarm(f func()) { f() }

// panicStack returns the stack of a panic of an alarm.
func (*kernel) panicStack() string { return string(debug.Stack()) }

// call runs f, a part of the kernel, for a task of the program.
func (*kernel) call(f func()) { f() }

// join is call for what the program and the kernel have to agree upon: f comes
// after all that the current task did, and whatever it does next after f.
func (*kernel) join(f func()) { f() }

// gather lets what follows come after all that any task did.
func (*kernel) gather() {}

// gather lets what follows come after all that tasks of this life did.
func (*life) gather() {}

// newAlarm returns an alarm of the world, whose function comes after whoever asked for
// it and after other such functions and operations of the world.
func (*kernel) newAlarm(f func()) *runtime.Alarm { return &runtime.Alarm{Fire: f} }

// detached returns a string that the race detector knows nothing of.
func detached(s string) string { return s }

// location returns the line of the program at which a task is.
func (*kernel) location(*task) string { return location() }
