package sim

import "iter"

// worker is a coroutine that runs tasks one after the other. The three verbs
// of switching are its own: resume and kill, called by the loop of the world's
// own goroutine, and yield, which parks the task on whose stack it is called.
type worker struct {
	guest guest
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	task  *task // what it runs, or is to run; nil when idle
}

func (k *kernel) newWorker() *worker {
	w := &worker{}
	w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		k.work(w)
	})
	return w
}

// work runs one task after the other. A task that ended chooses its successor
// like any other; if that is a new task it runs right here.
func (k *kernel) work(w *worker) {
	for {
		k.runTask(w)
		k.exit(w)
		if w.task == nil {
			k.idle = append(k.idle, w)
			if !w.yield(struct{}{}) {
				return
			}
		}
	}
}

// resume lets a worker run until it parks.
func (k *kernel) resume(w *worker) { w.next() }

// kill unwinds a parked worker, or ends an idle one. Goexit reaches whoever
// resumes a coroutine, so that has to be a goroutine to throw away.
func (k *kernel) kill(w *worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if w.task == nil {
			w.stop()
			return
		}
		w.next()
	}()
	<-done
}
