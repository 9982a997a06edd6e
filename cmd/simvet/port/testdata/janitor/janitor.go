// Package janitor remembers keys for a while. It is the subject of
// docs/porting.md, and has a bug on purpose.
//
//sim:deterministic
package janitor

import (
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Store forgets keys after a period.
type Store struct {
	rt   *runtime.Runtime
	mu   sync.Mutex // guards keys
	keys map[string]time.Time
	stop chan struct{}
	done chan struct{}
}

// New returns an empty store.
func New(rt *runtime.Runtime, period time.Duration) *Store {
	s := &Store{
		rt:   rt,
		keys: make(map[string]time.Time),
		stop: make(chan struct{}),
		done: make(chan struct{}),
	}
	go s.clean(period)
	return s
}

// Put remembers a key.
func (s *Store) Put(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = time.Now()
}

func (s *Store) clean(period time.Duration) {
	defer close(s.done)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.mu.Lock()
			for key, since := range s.keys {
				if now.Sub(since) >= period {
					delete(s.keys, key)
				}
			}
			s.mu.Unlock()
		case <-s.stop:
			return
		}
	}
}

// Close ends the cleaning. It may be called more than once.
func (s *Store) Close() {
	select {
	case <-s.stop: // closed already
	default:
		close(s.stop)
	}
	<-s.done
}
