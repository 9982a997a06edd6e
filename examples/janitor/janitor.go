// Package janitor remembers keys for a while. It is the subject of
// docs/porting.md, and has a bug on purpose.
//
//sim:deterministic
package janitor

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Store forgets keys after a period.
type Store struct {
	rt   *runtime.Runtime
	mu   *runtime.Mutex // guards keys
	keys map[string]time.Time
	stop *runtime.Chan[struct{}]
	done *runtime.Chan[struct{}]
}

// New returns an empty store.
func New(rt *runtime.Runtime, period time.Duration) *Store {
	s := &Store{
		rt:   rt,
		keys: make(map[string]time.Time),
		stop: runtime.NewChan[struct{}](rt, 0),
		done: runtime.NewChan[struct{}](rt, 0),
		mu:   rt.NewMutex(),
	}
	rt.Go(context.Background(), "clean", func(context.Context) error {
		s.clean(period)
		return nil
	})
	return s
}

// Put remembers a key.
func (s *Store) Put(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = s.rt.Now()
}

func (s *Store) clean(period time.Duration) {
	defer s.done.Close()
	ticker := s.rt.NewTicker(period)
	defer ticker.Stop()
	for {
		switch selected, _ := runtime.Select2(context.Background(), ticker.C.RecvArm(), s.stop.RecvArm()); selected.Index {
		case 0:
			now := selected.V0
			s.mu.Lock()
			for key, since := range s.keys {
				if now.Sub(since) >= period {
					delete(s.keys, key)
				}
			}
			s.mu.Unlock()
		case 1:
			return
		}
	}
}

// Close ends the cleaning. It may be called more than once.
func (s *Store) Close() {
	switch _, received, err := s.stop.TryRecv(); {
	case received || err != nil: // closed already
	default:
		s.stop.Close()
	}
	s.done.Recv(context.Background())
}
