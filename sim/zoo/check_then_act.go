package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func checkThenAct() []Program {
	return []Program{
		{
			Name:    "session-registry",
			Doc:     "two requests of one user both find no session, and both make one",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { openSessions(ctx, rt, (*sessions).open) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { openSessions(ctx, rt, (*sessions).openLocked) },
		},
		{
			Name:    "image-pull",
			Doc:     "two pulls of one layer both find that nobody downloads it yet",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { pullLayer(ctx, rt, (*layers).pull) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { pullLayer(ctx, rt, (*layers).pullOnce) },
		},
		{
			Name:    "stale-cache-fill",
			Doc:     "a read misses the cache and loads the old value; an update invalidates the cache before the read fills it",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { fillCache(ctx, rt, (*cached).fill) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { fillCache(ctx, rt, (*cached).fillIfCurrent) },
		},
		{
			Name:    "name-transfer",
			Doc:     "a claim finds a name free that its owner gives up only to hand it over, which the owner then sees done",
			Depth:   3,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { claimNames(ctx, rt, (*names).claim) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { claimNames(ctx, rt, (*names).claimIfFree) },
		},
	}
}

// sessions holds one session for each user.
type sessions struct {
	mu    *runtime.Mutex // guards users and made
	users map[string]int
	made  int
}

func (s *sessions) find(user string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.users[user]
	return id, ok
}

func (s *sessions) open(user string) int {
	if id, ok := s.find(user); ok {
		return id
	}
	s.mu.Lock() // Bug: another request may have made it since the look.
	defer s.mu.Unlock()
	s.made++
	s.users[user] = s.made
	return s.made
}

func (s *sessions) openLocked(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.users[user]; !ok {
		s.made++
		s.users[user] = s.made
	}
	return s.users[user]
}

func openSessions(ctx context.Context, rt *runtime.Runtime, open func(*sessions, string) int) {
	s := &sessions{mu: rt.NewMutex(), users: make(map[string]int)}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "request", func(context.Context) { open(s, "alice") })
	}
	tasks.Wait()
	rt.Always(s.made == 1, "one-session", "made", s.made)
}

// layers are downloaded once; who comes later waits for the first.
type layers struct {
	mu        *runtime.Mutex // guards active and downloads
	active    map[string]*runtime.Chan[struct{}]
	downloads int
}

func (l *layers) lookUp(digest string) *runtime.Chan[struct{}] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active[digest]
}

func (l *layers) download(digest string, done *runtime.Chan[struct{}]) {
	l.active[digest] = done
	l.downloads++
	l.mu.Unlock()
	done.Close()
}

func (l *layers) pull(ctx context.Context, rt *runtime.Runtime, digest string) {
	if done := l.lookUp(digest); done != nil {
		_, _ = done.Recv(ctx)
		return
	}
	done := runtime.NewChan[struct{}](rt, 0)
	l.mu.Lock() // Bug: another pull may have begun since the look.
	l.download(digest, done)
}

func (l *layers) pullOnce(ctx context.Context, rt *runtime.Runtime, digest string) {
	l.mu.Lock()
	if done := l.active[digest]; done != nil {
		l.mu.Unlock()
		_, _ = done.Recv(ctx)
		return
	}
	l.download(digest, runtime.NewChan[struct{}](rt, 0))
}

func pullLayer(
	ctx context.Context, rt *runtime.Runtime, pull func(*layers, context.Context, *runtime.Runtime, string),
) {
	l := &layers{mu: rt.NewMutex(), active: make(map[string]*runtime.Chan[struct{}])}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "pull", func(ctx context.Context) { pull(l, ctx, rt, "sha256:4a") })
	}
	tasks.Wait()
	rt.Always(l.downloads == 1, "one-download", "downloads", l.downloads)
}

// cached is a row in a database, with a cache in front of it.
type cached struct {
	rt       *runtime.Runtime
	database *runtime.Resource
	journal  *runtime.Resource
	row      int
	mu       *runtime.Mutex // guards what follows
	value    int
	valid    bool
	changes  int
}

// get returns the value, and the count of invalidations at a miss.
func (c *cached) get() (value, changes int, hit bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value, c.changes, c.valid
}

func (c *cached) fill(value, _ int) {
	c.mu.Lock() // Bug: the row may have changed, and the cache been told so, since the load.
	defer c.mu.Unlock()
	c.value, c.valid = value, true
}

func (c *cached) fillIfCurrent(value, changes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes {
		c.value, c.valid = value, true
	}
}

func (c *cached) read(fill func(*cached, int, int)) int {
	value, changes, hit := c.get()
	if !hit {
		c.rt.Read(c.database)
		value = c.row
		fill(c, value, changes)
	}
	return value
}

func (c *cached) update(value int) {
	c.rt.Write(c.database) // begin
	c.rt.Write(c.database) // update
	c.row = value
	for range 2 {
		c.rt.Write(c.journal)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid = false
	c.changes++
}

func fillCache(ctx context.Context, rt *runtime.Runtime, fill func(*cached, int, int)) {
	c := &cached{
		rt: rt, database: runtime.NewResource("database", "users"), journal: runtime.NewResource("database", "journal"),
		mu: rt.NewMutex(),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "read", func(context.Context) { c.read(fill) })
	tasks.Go(ctx, "update", func(context.Context) { c.update(1) })
	tasks.Wait()
	value := c.read(fill)
	rt.Always(value == 1, "cache-is-current", "value", value)
}

// names belong to one owner each.
type names struct {
	rt     *runtime.Runtime
	store  *runtime.Resource
	fees   *runtime.Resource
	mail   *runtime.Resource
	owners map[string]string
}

func (n *names) owner(name string) string {
	n.rt.Read(n.store)
	return n.owners[name]
}

func (n *names) set(name, owner string) {
	n.rt.Write(n.store)
	n.owners[name] = owner
}

func (n *names) claim(name, owner string) bool {
	if n.owner(name) != "" {
		return false
	}
	n.rt.Write(n.fees)
	n.set(name, owner) // Bug: it may have been given to somebody since the look.
	return true
}

func (n *names) claimIfFree(name, owner string) bool {
	n.rt.Write(n.fees)
	n.rt.Write(n.store)
	if n.owners[name] != "" {
		return false
	}
	n.owners[name] = owner
	return true
}

// handOver gives a name up for a new owner, and reports whether that one got it.
func (n *names) handOver(name, owner string, claim func(n *names, name, owner string) bool) bool {
	n.set(name, "")
	if !claim(n, name, owner) {
		return false
	}
	for range 2 { // to the old owner and to the new one
		n.rt.Write(n.mail)
	}
	return n.owner(name) == owner
}

func claimNames(ctx context.Context, rt *runtime.Runtime, claim func(n *names, name, owner string) bool) {
	n := &names{
		rt: rt, store: runtime.NewResource("database", "names"), fees: runtime.NewResource("database", "fees"),
		mail: runtime.NewResource("mail", "outbox"), owners: map[string]string{"tide": "alice"},
	}
	received := false
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "squatter", func(context.Context) { claim(n, "tide", "mallory") })
	tasks.Go(ctx, "alice", func(context.Context) { received = n.handOver("tide", "bob", claim) })
	tasks.Wait()
	owner := n.owner("tide")
	rt.Always(!received || owner == "bob", "what-was-received-is-owned", "owner", owner)
}
