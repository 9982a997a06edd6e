//sim:deterministic
package names

import "runtime"
import "sync"
import tidemark "github.com/tidemarkdb/tidemark/runtime"

type box struct {
	rt *tidemark.Runtime
	mu sync.Mutex
	ch chan int
}

func (b *box) run() {
	b.ch <- 1
	go runtime.GC()
}
