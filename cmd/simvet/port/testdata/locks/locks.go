// Package locks has the primitives of package sync.
//
//sim:deterministic
package locks

import (
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var global sync.Mutex

// Cache has primitives as fields.
type Cache struct {
	rt *runtime.Runtime
	sync.RWMutex
	mu    sync.Mutex // guards items
	items map[string]int
	once  sync.Once
	ready *sync.Cond
	idle  *sync.WaitGroup
}

// New constructs them.
func New(rt *runtime.Runtime) *Cache {
	c := &Cache{
		rt:    rt,
		items: make(map[string]int),
		idle:  &sync.WaitGroup{},
	}
	c.ready = sync.NewCond(&c.mu)
	return c
}

func short(rt *runtime.Runtime) (*Cache, *Cache) {
	return &Cache{rt: rt}, &Cache{}
}

func given(rt *runtime.Runtime) *Cache {
	return &Cache{rt: rt, mu: sync.Mutex{}, once: sync.Once{}}
}

func withoutRuntime() *Cache {
	return &Cache{}
}

func zero() *Cache {
	var c Cache
	d := new(Cache)
	_ = d
	return &c
}

type shelf struct {
	first Cache
	inner struct{ mu sync.Mutex }
}

func newShelf(rt *runtime.Runtime) *shelf {
	return &shelf{}
}

// Get locks.
func (c *Cache) Get(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.once.Do(func() { c.items = make(map[string]int) })
	return c.items[key]
}

// All waits for many.
func (c *Cache) All(keys []string) {
	var group sync.WaitGroup
	for _, key := range keys {
		group.Go(func() { c.Get(key) })
		group.Add(1)
		use(&group)
	}
	group.Wait()
	kept := sync.Mutex{} //sim:allow native-lock because nothing parks under it
	kept.Lock()
	global.Lock()
}

func use(group *sync.WaitGroup) { group.Done() }
