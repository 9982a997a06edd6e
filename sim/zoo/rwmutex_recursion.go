package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func rwmutexRecursion() []Program {
	return []Program{
		{
			Name:    "cpu-set-state",
			Doc:     "a read of the CPU set under the read lock calls another read; a writer comes in between",
			Source:  "kubernetes/kubernetes#62464",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { assignCPUs(ctx, rt, (*cpuState).setOrDefault) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { assignCPUs(ctx, rt, (*cpuState).setOrDefaultOnce) },
		},
		{
			Name:    "raft-log-scan",
			Doc:     "a scan of replicas under the read lock asks each for its status, which read-locks the store again",
			Source:  "cockroachdb/cockroach#3710",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { scanRaftLogs(ctx, rt, (*logStore).scan) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { scanRaftLogs(ctx, rt, (*logStore).scanCopied) },
		},
		{
			Name:    "quota-workers",
			Doc:     "workers wait for their queues under a read lock; a resync that wants the lock stops the one that has work",
			Source:  "kubernetes/kubernetes#58107",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { runQuotas(ctx, rt, (*quotaController).takeLocked) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { runQuotas(ctx, rt, (*quotaController).takeFirst) },
		},
		{
			Name:    "route-table",
			Doc:     "a router logs misses under its read lock; a flush of the log reads the table; a reload waits in between",
			Depth:   4,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { route(ctx, rt, (*router).lookUp) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { route(ctx, rt, (*router).lookUpThenLog) },
		},
	}
}

// cpuState assigns CPUs to containers.
type cpuState struct {
	mu       *runtime.RWMutex // guards assigned and shared
	assigned map[string]int
	shared   int
}

func (s *cpuState) set(container string) (int, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	cpus, ok := s.assigned[container]
	return cpus, ok
}

func (s *cpuState) setOrDefault(container string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if cpus, ok := s.set(container); ok { // Bug: a second read lock waits behind a writer.
		return cpus
	}
	return s.shared
}

func (s *cpuState) setOrDefaultOnce(container string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if cpus, ok := s.assigned[container]; ok {
		return cpus
	}
	return s.shared
}

func (s *cpuState) remove(container string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared |= s.assigned[container]
	delete(s.assigned, container)
}

func assignCPUs(ctx context.Context, rt *runtime.Runtime, read func(*cpuState, string) int) {
	s := &cpuState{mu: rt.NewRWMutex(), assigned: map[string]int{"web": 3}, shared: 12}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "reconcile", func(context.Context) { read(s, "web") })
	tasks.Go(ctx, "remove", func(context.Context) { s.remove("web") })
	tasks.Wait()
}

// logStore holds replicas and the lengths of their logs.
type logStore struct {
	mu       *runtime.RWMutex // guards lengths
	lengths  []int
	truncate int
}

func (s *logStore) status(i int) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lengths[i]
}

func (s *logStore) scan() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range s.lengths {
		if s.status(i) > 10 { // Bug: status takes the read lock that scan holds.
			s.truncate++
		}
	}
}

func (s *logStore) scanCopied() {
	s.mu.RLock()
	n := len(s.lengths)
	s.mu.RUnlock()
	for i := range n {
		if s.status(i) > 10 {
			s.truncate++
		}
	}
}

func (s *logStore) process() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lengths[0]++
}

func scanRaftLogs(ctx context.Context, rt *runtime.Runtime, scan func(*logStore)) {
	s := &logStore{mu: rt.NewRWMutex(), lengths: []int{9, 30, 10}}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "scan", func(context.Context) { scan(s) })
	tasks.Go(ctx, "raft", func(context.Context) { s.process() })
	tasks.Wait()
}

// quotaController recalculates quotas from two queues; a resync stops the workers.
type quotaController struct {
	workers *runtime.RWMutex // held for reading while a worker works
	queues  [2]*runtime.Chan[string]
	synced  int
}

func (q *quotaController) takeLocked(ctx context.Context, i int) string {
	q.workers.RLock()
	defer q.workers.RUnlock()
	key, err := q.queues[i].Recv(ctx) // Bug: it waits for work under the lock.
	if err != nil {
		return ""
	}
	return key
}

func (q *quotaController) takeFirst(ctx context.Context, i int) string {
	key, err := q.queues[i].Recv(ctx)
	if err != nil {
		return ""
	}
	q.workers.RLock()
	defer q.workers.RUnlock()
	return key
}

func (q *quotaController) resync() {
	q.workers.Lock()
	defer q.workers.Unlock()
	q.synced++
}

func runQuotas(
	ctx context.Context, rt *runtime.Runtime, take func(*quotaController, context.Context, int) string,
) {
	q := &quotaController{workers: rt.NewRWMutex()}
	for i := range q.queues {
		q.queues[i] = runtime.NewChan[string](rt, 1)
	}
	tasks := rt.NewWaitGroup()
	for i := range q.queues {
		tasks.Go(ctx, "worker", func(ctx context.Context) {
			for range 2 {
				if key := take(q, ctx, i); key == "pods" && i == 1 {
					_ = q.queues[0].Send(ctx, "missing")
				}
			}
		})
	}
	tasks.Go(ctx, "resync", func(context.Context) { q.resync() })
	_ = q.queues[0].Send(ctx, "quota")
	_ = q.queues[1].Send(ctx, "services")
	_ = q.queues[1].Send(ctx, "pods")
	tasks.Wait()
}

// router finds backends, and logs what it does not find.
type router struct {
	table   *runtime.RWMutex // guards routes
	routes  map[string]string
	log     *runtime.Mutex // guards lines and flushed
	lines   []string
	flushed int
}

func (r *router) lookUp(path string) string {
	r.table.RLock()
	defer r.table.RUnlock()
	backend, ok := r.routes[path]
	if !ok {
		r.miss(path) // Bug: flush holds the log's lock when it waits, behind a writer, for the table.
	}
	return backend
}

func (r *router) lookUpThenLog(path string) string {
	r.table.RLock()
	backend, ok := r.routes[path]
	r.table.RUnlock()
	if !ok {
		r.miss(path)
	}
	return backend
}

func (r *router) miss(path string) {
	r.log.Lock()
	defer r.log.Unlock()
	r.lines = append(r.lines, path)
}

// flush writes the misses that still are ones.
func (r *router) flush() {
	r.log.Lock()
	defer r.log.Unlock()
	for _, path := range r.lines {
		r.table.RLock()
		if _, ok := r.routes[path]; !ok {
			r.flushed++
		}
		r.table.RUnlock()
	}
	r.lines = nil
}

func (r *router) reload(routes map[string]string) {
	r.table.Lock()
	defer r.table.Unlock()
	r.routes = routes
}

func route(ctx context.Context, rt *runtime.Runtime, lookUp func(*router, string) string) {
	r := &router{table: rt.NewRWMutex(), log: rt.NewMutex(), routes: map[string]string{"/": "web"}}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "request", func(context.Context) {
		for _, path := range []string{"/admin", "/metrics", "/health"} {
			lookUp(r, path)
		}
	})
	tasks.Go(ctx, "reload", func(context.Context) { r.reload(map[string]string{"/": "web", "/admin": "ops"}) })
	tasks.Go(ctx, "flush", func(context.Context) { r.flush() })
	tasks.Wait()
}
