package zoo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func staleLeaseHolder() []Program {
	return []Program{
		{
			Name:    "lock-without-fence",
			Doc:     "the holder of a lock that expires works longer than its lease, and then writes",
			Source:  "Jepsen: etcd 3.4.3, 2020",
			Depth:   1,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { useLock(ctx, rt, (*counterCell).write) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { useLock(ctx, rt, (*counterCell).writeFenced) },
		},
		{
			Name:    "deposed-scheduler",
			Doc:     "a scheduler looks whether it leads and then binds a pod; its successor binds it in between",
			Source:  "kubernetes/kubernetes#67651",
			Depth:   3,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { schedulePods(ctx, rt, (*cluster).bind) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { schedulePods(ctx, rt, (*cluster).bindInTerm) },
		},
		{
			Name:    "old-lessor",
			Doc:     "a leader finds a lease expired, and revokes it when it was deposed and the lease renewed elsewhere",
			Source:  "etcd-io/etcd#15247",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { expireLeases(ctx, rt, (*leases).revoke) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { expireLeases(ctx, rt, (*leases).revokeInTerm) },
		},
		{
			Name:    "snapshot-uploader",
			Doc:     "an uploader whose lease was taken over replaces the manifest of its successor, which was read",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { uploadSnapshots(ctx, rt, (*bucket).put) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { uploadSnapshots(ctx, rt, (*bucket).putNewer) },
		},
	}
}

// counterCell is a number in a store, and the lock that protects it.
type counterCell struct {
	mu    *runtime.Mutex // guards what follows
	token int            // of the newest holder of the lock
	held  bool
	value int
	free  *runtime.Cond
}

// lock returns a token; the lock expires after the lease.
func (c *counterCell) lock(rt *runtime.Runtime, lease time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.held {
		c.free.Wait()
	}
	c.held = true
	c.token++
	token := c.token
	rt.AfterFunc(lease, func() { c.unlock(token) })
	return token
}

func (c *counterCell) unlock(token int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.held = false
		c.free.Broadcast()
	}
}

func (c *counterCell) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value
}

func (c *counterCell) write(_, value int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value = value // Bug: whoever writes may have lost the lock.
	return true
}

func (c *counterCell) writeFenced(token, value int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if token == c.token {
		c.value = value
	}
	return token == c.token
}

func useLock(ctx context.Context, rt *runtime.Runtime, write func(c *counterCell, token, value int) bool) {
	c := &counterCell{mu: rt.NewMutex()}
	c.free = rt.NewCond(c.mu)
	added := 0
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "client", func(ctx context.Context) {
			token := c.lock(rt, 10*time.Second)
			value := c.read()
			if rt.Sleep(ctx, 10*time.Second) != nil {
				return
			}
			if write(c, token, value+1) {
				added++
			}
			c.unlock(token)
		})
	}
	tasks.Wait()
	rt.Always(c.read() == added, "no-lost-update", "value", c.read(), "added", added)
}

// cluster is a store of leases and pods.
type cluster struct {
	rt      *runtime.Runtime
	leases  *runtime.Resource
	pods    *runtime.Resource
	kubelet *runtime.Resource
	leader  string
	term    atomic.Int64
	bound   string // where the one pod is to run
}

func (c *cluster) leads(who string) (term int, leads bool) {
	c.rt.Read(c.leases)
	return int(c.term.Load()), c.leader == who
}

func (c *cluster) elect(who string) {
	for range 2 { // until the lease has expired
		c.rt.Read(c.leases)
	}
	c.rt.Write(c.leases)
	c.leader = who
	c.term.Add(1)
}

func (c *cluster) bind(_ int, node string) {
	c.rt.Write(c.pods)
	c.bound = node // Bug: the pod may be bound by the next leader.
}

func (c *cluster) bindInTerm(term int, node string) {
	c.rt.Write(c.pods)
	if c.term.Load() == int64(term) {
		c.bound = node
	}
}

// run lets the kubelet of the node that the pod is bound to pull and run it.
func (c *cluster) run() {
	c.rt.Read(c.pods)
	running := c.bound
	for range 2 { // pull the image, start it
		c.rt.Write(c.kubelet)
	}
	c.rt.Read(c.pods)
	c.rt.Always(c.bound == running, "pod-runs-where-bound", "bound", c.bound, "running", running)
}

func schedulePods(ctx context.Context, rt *runtime.Runtime, bind func(*cluster, int, string)) {
	c := &cluster{
		rt: rt, leases: runtime.NewResource("api", "leases"), pods: runtime.NewResource("api", "pods"),
		kubelet: runtime.NewResource("api", "kubelet"), leader: "a",
	}
	c.term.Store(1)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "scheduler-a", func(context.Context) {
		if term, leads := c.leads("a"); leads {
			bind(c, term, "machine-1")
		}
	})
	tasks.Go(ctx, "scheduler-b", func(context.Context) {
		c.elect("b")
		if term, leads := c.leads("b"); leads {
			bind(c, term, "machine-2")
			c.run()
		}
	})
	tasks.Wait()
}

// leases is the state that all members of a cluster apply, and who leads it.
type leases struct {
	rt      *runtime.Runtime
	log     *runtime.Resource
	votes   *runtime.Resource
	term    int
	renewed map[int]int // by term
	alive   bool
}

// expired returns the term in which the leader found that the lease has expired.
func (l *leases) expired() (term int, expired bool) {
	l.rt.Read(l.log)
	return l.term, l.renewed[l.term] == 0
}

func (l *leases) revoke(int) {
	l.rt.Write(l.log)
	l.alive = false // Bug: the leader that proposed it may have been deposed.
}

func (l *leases) revokeInTerm(term int) {
	l.rt.Write(l.log)
	if l.term == term {
		l.alive = false
	}
}

// campaign makes another member the leader, which begins with full leases.
func (l *leases) campaign() {
	for range 4 {
		l.rt.Read(l.votes)
	}
	l.rt.Write(l.log)
	l.term++
	l.renewed[l.term]++
}

// keepAlive reports whether the lease is alive, as of the answer.
func (l *leases) keepAlive() bool {
	l.rt.Write(l.log)
	l.renewed[l.term]++
	return l.alive
}

func expireLeases(ctx context.Context, rt *runtime.Runtime, revoke func(*leases, int)) {
	l := &leases{
		rt: rt, log: runtime.NewResource("raft", "log"), votes: runtime.NewResource("raft", "votes"),
		term: 1, renewed: make(map[int]int), alive: true,
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "lessor", func(context.Context) {
		if term, expired := l.expired(); expired {
			revoke(l, term)
		}
	})
	kept := false
	tasks.Go(ctx, "successor", func(context.Context) {
		l.campaign()
		kept = l.keepAlive()
	})
	tasks.Wait()
	rt.Always(!kept || l.alive, "kept-alive-is-alive")
}

// bucket holds parts of snapshots, the manifest of the newest one, and a lease.
type bucket struct {
	rt       *runtime.Runtime
	leases   *runtime.Resource
	parts    *runtime.Resource
	objects  *runtime.Resource
	lease    int
	manifest int
}

func (b *bucket) take() (epoch int) {
	b.rt.Write(b.leases)
	b.lease++
	return b.lease
}

func (b *bucket) holds(epoch int) bool {
	b.rt.Read(b.leases)
	return b.lease == epoch
}

func (b *bucket) upload() { b.rt.Write(b.parts) }

func (b *bucket) put(epoch int) {
	b.rt.Write(b.objects)
	b.manifest = epoch // Bug: it may replace a newer one.
}

func (b *bucket) putNewer(epoch int) {
	b.rt.Write(b.objects)
	b.manifest = max(b.manifest, epoch)
}

func (b *bucket) newest() int {
	b.rt.Read(b.objects)
	return b.manifest
}

func uploadSnapshots(ctx context.Context, rt *runtime.Runtime, put func(*bucket, int)) {
	b := &bucket{
		rt: rt, leases: runtime.NewResource("bucket", "lease"), parts: runtime.NewResource("bucket", "parts"),
		objects: runtime.NewResource("bucket", "manifest"),
	}
	tasks := rt.NewWaitGroup()
	seen := 0
	for range 2 {
		tasks.Go(ctx, "uploader", func(context.Context) {
			epoch := b.take()
			b.upload()
			if b.holds(epoch) {
				put(b, epoch)
				seen = max(seen, b.newest())
			}
		})
	}
	tasks.Wait()
	rt.Always(seen <= b.manifest, "manifests-move-on", "seen", seen, "manifest", b.manifest)
}
