package persist

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Client is the way of a process to the shards in one place. It caches one state
// for each shard that was opened. It is safe for concurrent use; the handles
// that it opens say themselves who may use them.
type Client struct {
	rt        *runtime.Runtime
	blob      Blob
	consensus Consensus
	hub       Hub // or nil
	settings  atomic.Pointer[Config]
	jitter    uint64        // seed of the streams of pauses
	pauses    atomic.Uint64 // how many there were
	auditSeed uint64        // seed of the streams that draw audits
	audits    atomic.Uint64 // how many there were

	mu     *runtime.Mutex // guards what follows
	ids    *runtime.Rand
	shards map[ShardID]*machine

	maintenance *runtime.Group
	stop        context.CancelFunc
}

// New returns a client. Close ends it. The error wraps [ErrUsage].
func New(rt *runtime.Runtime, blob Blob, consensus Consensus, config Config) (*Client, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if blob == nil || consensus == nil {
		return nil, fmt.Errorf("persist: new client without a store: %w", ErrUsage)
	}
	serial := rt.Serial("persist client")
	c := &Client{
		rt: rt, blob: blob, consensus: consensus, hub: config.Hub,
		jitter: rt.Rand(fmt.Sprintf("persist jitter %d", serial)).Uint64(),
		ids:    rt.Rand(fmt.Sprintf("persist ids %d", serial)),
		mu:     rt.NewMutex(),
		shards: make(map[ShardID]*machine),
	}
	c.auditSeed = rt.Rand(fmt.Sprintf("persist audits %d", serial)).Uint64()
	config = config.withDefaults(rt.Node())
	c.settings.Store(&config) // see Configure
	ctx, cancel := rt.WithCancel(context.Background())
	c.stop = cancel
	c.maintenance = rt.NewGroup(ctx)
	if c.hub != nil {
		if _, err := c.background("hub", c.listenToHub); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Close ends the background work of the client and waits for it; what it leaves
// undone others will do. Handles must not be used afterwards. Calls that are under
// way go on, but begin no background work.
func (c *Client) Close() {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	_ = c.maintenance.Wait() // maintenance keeps its errors to itself
}

// newAudit returns a stream that draws what is audited. It belongs to one read.
func (c *Client) newAudit() *runtime.Rand { return runtime.NewRand(c.auditSeed ^ c.audits.Add(1)) }

// NewShardID returns an id that no other shard has.
func (c *Client) NewShardID() ShardID { return ShardID(c.newID()) }

// newID returns 128 random bits.
func (c *Client) newID() (id [16]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	binary.BigEndian.PutUint64(id[:8], c.ids.Uint64())
	binary.BigEndian.PutUint64(id[8:], c.ids.Uint64())
	return id
}

// open returns the machine of a shard, which exists afterwards.
func (c *Client) open(ctx context.Context, shard ShardID) (*machine, error) {
	if shard == (ShardID{}) {
		return nil, fmt.Errorf("persist: open a shard without an id: %w", ErrUsage)
	}
	c.mu.Lock()
	m := c.shards[shard]
	if m == nil {
		m = newMachine(c, shard)
		c.shards[shard] = m
	}
	c.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return nil, fmt.Errorf("persist: open %v: %w", shard, err)
	}
	return m, nil
}

// background starts a task that ends when stop is called or the client is closed.
func (c *Client) background(name string, fn func(ctx context.Context)) (stop context.CancelFunc, err error) {
	c.mu.Lock() // so that nothing begins once Close waits
	defer c.mu.Unlock()
	if c.maintenance.Context().Err() != nil {
		return nil, fmt.Errorf("persist: use of a closed client: %w", ErrUsage)
	}
	ctx, stop := c.rt.WithCancel(c.maintenance.Context())
	c.maintenance.Go(name, func(context.Context) error {
		defer stop()
		fn(ctx)
		return nil
	})
	return stop, nil
}

// environment samples what a command may know.
func (c *Client) environment() state.Environment {
	config := c.config()
	return state.Environment{
		NowMS:    uint64(max(c.rt.Now().UnixMilli(), 0)),
		Hostname: config.Hostname,
		Config:   config.ofState(),
	}
}
