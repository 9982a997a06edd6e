package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The programs of this category need the race detector, which reports them under
// -race: each run ends as if all were well.
func dataRace() []Program {
	return []Program{
		{
			Name:      "check-loop",
			Doc:       "checks run in parallel and share the variable of the loop that starts them",
			Source:    "cockroachdb/cockroach#35501",
			NeedsRace: true,
			Bug:       func(ctx context.Context, rt *runtime.Runtime) { validateChecks(ctx, rt, true) },
			Fixed:     func(ctx context.Context, rt *runtime.Runtime) { validateChecks(ctx, rt, false) },
		},
		{
			Name:      "transport-config",
			Doc:       "two clients update the transport of one shared configuration, without a lock",
			Source:    "kubernetes/kubernetes#80284",
			NeedsRace: true,
			Bug:       func(ctx context.Context, rt *runtime.Runtime) { updateTransport(ctx, rt, (*transportConfig).wrap) },
			Fixed: func(ctx context.Context, rt *runtime.Runtime) {
				updateTransport(ctx, rt, (*transportConfig).wrapLocked)
			},
		},
		{
			Name:      "read-buffer",
			Doc:       "a transaction resets its buffer of reads while another one reads it",
			Source:    "etcd-io/etcd#9446",
			NeedsRace: true,
			Bug:       func(ctx context.Context, rt *runtime.Runtime) { resetBuffer(ctx, rt, (*readBuffer).get) },
			Fixed:     func(ctx context.Context, rt *runtime.Runtime) { resetBuffer(ctx, rt, (*readBuffer).getLocked) },
		},
		{
			Name:      "lazy-index",
			Doc:       "an index is built at first use; the look at whether it is there takes no lock",
			NeedsRace: true,
			Bug:       func(ctx context.Context, rt *runtime.Runtime) { lookUpIndex(ctx, rt, (*searchIndex).get) },
			Fixed:     func(ctx context.Context, rt *runtime.Runtime) { lookUpIndex(ctx, rt, (*searchIndex).getLocked) },
		},
	}
}

func validateChecks(ctx context.Context, rt *runtime.Runtime, shared bool) {
	validated := runtime.NewChan[string](rt, 3)
	var check string
	tasks := rt.NewWaitGroup()
	for _, name := range []string{"positive", "unique", "not-null"} {
		check = name // Bug, if shared: the tasks read it while the loop goes on.
		own := name
		tasks.Go(ctx, "check", func(context.Context) {
			if shared {
				validated.TrySend(check)
			} else {
				validated.TrySend(own)
			}
		})
	}
	tasks.Wait()
}

// transportConfig wraps the transport of a client.
type transportConfig struct {
	mu   *runtime.Mutex // guards dial
	dial string
}

func (c *transportConfig) wrap(by string) {
	c.dial = by + "(" + c.dial + ")" // Bug: read and written by several clients at once.
}

func (c *transportConfig) wrapLocked(by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrap(by)
}

func updateTransport(ctx context.Context, rt *runtime.Runtime, wrap func(*transportConfig, string)) {
	c := &transportConfig{mu: rt.NewMutex(), dial: "net"}
	tasks := rt.NewWaitGroup()
	for _, by := range []string{"tls", "trace"} {
		tasks.Go(ctx, "client", func(context.Context) { wrap(c, by) })
	}
	tasks.Wait()
}

// readBuffer holds what was written in this transaction.
type readBuffer struct {
	mu   *runtime.RWMutex // guards keys
	keys map[string]string
}

func (b *readBuffer) get(key string) string {
	return b.keys[key] // Bug: reset deletes from the map meanwhile.
}

func (b *readBuffer) getLocked(key string) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.keys[key]
}

func (b *readBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.keys, "k")
}

func resetBuffer(ctx context.Context, rt *runtime.Runtime, get func(*readBuffer, string) string) {
	b := &readBuffer{mu: rt.NewRWMutex(), keys: map[string]string{"k": "v"}}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "commit", func(context.Context) { b.reset() })
	tasks.Go(ctx, "range", func(context.Context) { get(b, "k") })
	tasks.Wait()
}

// searchIndex is built when it is first asked.
type searchIndex struct {
	mu    *runtime.Mutex // guards words
	words map[string]int
}

func (i *searchIndex) get(word string) int {
	if i.words == nil { // Bug: it is written under the lock, and read here without.
		i.mu.Lock()
		i.words = map[string]int{"tide": 1}
		i.mu.Unlock()
	}
	return i.words[word]
}

func (i *searchIndex) getLocked(word string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.words == nil {
		i.words = map[string]int{"tide": 1}
	}
	return i.words[word]
}

func lookUpIndex(ctx context.Context, rt *runtime.Runtime, get func(*searchIndex, string) int) {
	i := &searchIndex{mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "query", func(context.Context) { get(i, "tide") })
	}
	tasks.Wait()
}
