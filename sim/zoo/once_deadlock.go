package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func onceDeadlock() []Program {
	return []Program{
		{
			Name:    "page-content",
			Doc:     "rendering a page the first time renders a shortcode that asks for the content of the same page",
			Source:  "gohugoio/hugo#5379",
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { renderPage(ctx, rt, (*page).summary) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { renderPage(ctx, rt, (*page).title) },
		},
		{
			Name:    "registry-ring",
			Doc:     "three registries are set up at first use, and the set-up of each uses the next one",
			Depth:   3,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { setUpRegistries(ctx, rt, (*registry).link) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { setUpRegistries(ctx, rt, (*registry).linkAfter) },
		},
		{
			Name:    "token-client",
			Doc:     "the first use of a client waits for its refresher, which asks for the client",
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { useTokens(ctx, rt, (*tokenClient).get) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { useTokens(ctx, rt, (*tokenClient).current) },
		},
		{
			Name:    "schema-cache",
			Doc:     "a query in its slot fills the cache once from the catalog; a reload locks the catalog and wants a slot",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { querySchema(ctx, rt, (*schemaCache).query) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { querySchema(ctx, rt, (*schemaCache).queryFilled) },
		},
	}
}

// page renders its content at first use.
type page struct {
	once *runtime.Once
	html string
}

func (p *page) content(shortcode func(*page) string) string {
	p.once.Do(func() { p.html = "<p>" + shortcode(p) + "</p>" })
	return p.html
}

// summary and title are shortcodes.
func (p *page) summary() string {
	return p.content((*page).title) // Bug: the content asks for the summary, and waits for itself.
}

func (p *page) title() string { return "home" }

func renderPage(ctx context.Context, rt *runtime.Runtime, shortcode func(*page) string) {
	p := &page{once: rt.NewOnce()}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "render", func(context.Context) { p.content(shortcode) })
	}
	tasks.Wait()
}

// registry is set up at first use, from names that are read before.
type registry struct {
	once  *runtime.Once
	mu    *runtime.Mutex // guards names
	names []string
	links int
}

func (r *registry) read(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

// ensure sets the registry up without links to others.
func (r *registry) ensure() {
	r.once.Do(func() { r.links = 0 })
}

func (r *registry) link(next *registry) {
	r.once.Do(func() {
		next.ensure() // Bug: the next one may be in link, too, and so on until it is this one's turn.
		r.links = 1
	})
}

func (r *registry) linkAfter(next *registry) {
	next.ensure()
	r.once.Do(func() { r.links = 1 })
}

func setUpRegistries(ctx context.Context, rt *runtime.Runtime, link func(r, next *registry)) {
	var ring [3]*registry
	for i := range ring {
		ring[i] = &registry{once: rt.NewOnce(), mu: rt.NewMutex()}
	}
	tasks := rt.NewWaitGroup()
	for i, r := range ring {
		tasks.Go(ctx, "set-up", func(context.Context) {
			for _, name := range []string{"int", "text", "time"}[i:] {
				r.read(name)
			}
			link(r, ring[(i+1)%len(ring)])
		})
	}
	tasks.Wait()
}

// tokenClient has a token, which a task of its own refreshes.
type tokenClient struct {
	once      *runtime.Once
	refreshes *runtime.Chan[struct{}]
	tokens    *runtime.Chan[string]
	token     *runtime.Watch[string]
}

func (c *tokenClient) get(ctx context.Context) string {
	c.once.Do(func() {
		_ = c.refreshes.Send(ctx, struct{}{})
		token, _ := c.tokens.Recv(ctx)
		c.token.Set(token)
	})
	return c.current(ctx)
}

func (c *tokenClient) current(context.Context) string {
	token, _ := c.token.Get()
	return token
}

func (c *tokenClient) refresh(ctx context.Context, old func(*tokenClient, context.Context) string) {
	for range c.refreshes.All(ctx) {
		_ = c.tokens.Send(ctx, old(c, ctx)+"+1") // Bug, with get: the first use waits for this answer.
	}
}

func useTokens(ctx context.Context, rt *runtime.Runtime, old func(*tokenClient, context.Context) string) {
	c := &tokenClient{
		once: rt.NewOnce(), refreshes: runtime.NewChan[struct{}](rt, 0),
		tokens: runtime.NewChan[string](rt, 0), token: runtime.NewWatch(rt, ""),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "refresher", func(ctx context.Context) { c.refresh(ctx, old) })
	c.get(ctx)
	c.refreshes.Close()
	tasks.Wait()
}

// schemaCache answers queries, one at a time, from what it read once in the catalog.
type schemaCache struct {
	slots   *runtime.Semaphore
	once    *runtime.Once
	catalog *runtime.Mutex // guards tables
	tables  []string
	cached  int
}

func (c *schemaCache) fill() {
	c.once.Do(func() {
		c.catalog.Lock()
		defer c.catalog.Unlock()
		c.cached = len(c.tables)
	})
}

func (c *schemaCache) query(ctx context.Context) {
	if c.slots.Acquire(ctx, 1) == nil {
		defer c.slots.Release(1)
		c.fill() // Bug: it waits for the catalog, in a slot that a reload needs.
	}
}

func (c *schemaCache) queryFilled(ctx context.Context) {
	c.fill()
	if c.slots.Acquire(ctx, 1) == nil {
		c.slots.Release(1)
	}
}

func (c *schemaCache) reload(ctx context.Context) {
	c.catalog.Lock()
	defer c.catalog.Unlock()
	if c.slots.Acquire(ctx, 1) == nil {
		defer c.slots.Release(1)
		c.tables = append(c.tables, "orders")
	}
}

func querySchema(ctx context.Context, rt *runtime.Runtime, query func(*schemaCache, context.Context)) {
	c := &schemaCache{slots: rt.NewSemaphore(1), once: rt.NewOnce(), catalog: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "query", func(ctx context.Context) { query(c, ctx) })
	tasks.Go(ctx, "reload", c.reload)
	tasks.Wait()
}
