package rules

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand"
	random "math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sync/errgroup"
)

type guarded struct {
	mu    sync.Mutex     // want `sync.Mutex: use \*runtime.Mutex from rt.NewMutex\(\) \(native-lock\)`
	rw    *sync.RWMutex  // want `sync.RWMutex`
	group sync.WaitGroup // want `sync.WaitGroup: .* or a Group`
	once  sync.Once      // want `sync.Once`
	cond  *sync.Cond     // want `sync.Cond`
	all   sync.Map       // want `sync.Map: its Range has no order`
	pool  sync.Pool      // want `sync.Pool: .* garbage collector`
	count atomic.Int64
	jobs  chan int // want `channel type: use \*runtime.Chan\[T\] \(chan\)`
}

func (g *guarded) methodsAreNoFindings() {
	g.mu.Lock()
	g.count.Add(1)
}

func channels(ctx context.Context, g *guarded) {
	ch := make(chan int, 1)   // want `make\(chan T, n\): use runtime.NewChan\[T\]\(rt, n\)`
	ch <- 1                   // want `send: use ch.Send\(ctx, v\)`
	<-ch                      // want `receive: use ch.Recv\(ctx\)`
	<-ctx.Done()              // want `receive from ctx.Done\(\): give ctx`
	println(len(ch), cap(ch)) // want `len of a channel` `cap of a channel`
	for range ch {            // want `range over a channel: use ch.All\(ctx\)`
	}
	close(ch) // want `close: use ch.Close\(\)`
	select {  // want `select: use runtime.Select2..Select4`
	case ch <- 1:
	case v := <-ch:
		_ = v
	default:
	}
	go g.methodsAreNoFindings()        // want `go statement: use rt.Go\(ctx, name, fn\)`
	reflect.Select(nil)                // want `reflect.Select: use runtime.Select2`
	println(-1, !true, len("abc"), *g) // no channels
}

func clocks(ctx context.Context) {
	start := time.Now()                            // want `time.Now: use rt.Now\(\) \(clock\)`
	time.Sleep(time.Second)                        // want `time.Sleep: use rt.Sleep\(ctx, d\)`
	_ = time.Since(start)                          // want `time.Since: use rt.Since\(t\)`
	_ = time.Until(start)                          // want `time.Until: use t.Sub\(rt.Now\(\)\)`
	var timer *time.Timer                          // want `time.Timer: use \*runtime.Timer`
	timer = time.NewTimer(1)                       // want `time.NewTimer: use rt.NewTimer\(d\)`
	f := time.After                                // want `time.After: use rt.NewTimer\(d\).C`
	ctx, cancel := context.WithTimeout(ctx, 1)     // want `context.WithTimeout: use rt.WithTimeout\(ctx, d\) \(context\)`
	ctx, cancel = context.WithDeadline(ctx, start) // want `context.WithDeadline`
	ctx, cancel = context.WithCancel(ctx)          // want `context.WithCancel`
	context.AfterFunc(ctx, cancel)                 // want `context.AfterFunc: .*goroutine: use rt.AfterCancel`
	ctx = context.WithValue(ctx, "key", 1)
	_ = start.Add(time.Minute).Before(start)
	_, _ = timer, f
}

func chance() {
	_ = rand.Intn(3)        // want `rand.Intn: use rt.Rand\(name\).*\(rand\)`
	_ = random.IntN(3)      // want `rand.IntN: use rt.Rand`
	_, _ = crypto.Read(nil) // want `rand.Read: use rt.Rand`
	_ = random.New(random.NewPCG(1, 2)).IntN(3)
	var r *rand.Rand
	_ = r.Intn(3)
	var h maphash.Hash
	_ = maphash.MakeSeed() // want `maphash.MakeSeed: .* xxhash \(hash\)`
	_ = h
}

func world() error {
	_, err := os.Open("x") // want `os.Open: .* \(os\)`
	_ = os.Args            // want `os.Args`
	if errors.Is(err, os.ErrNotExist) || os.IsNotExist(err) {
		var perr *os.PathError
		_ = perr
	}
	runtime.Gosched() // want `runtime.Gosched: use rt.Yield\(\) \(goruntime\)`
	_ = runtime.GOOS
	return nil
}

func addresses(g *guarded) {
	fmt.Printf("%p", g) // want `%p prints an address`
	_ = fmt.Sprintf("%5d%%p", 1)
	_ = fmt.Errorf("a %-10p b", g) // want `%p prints an address`
	_ = uintptr(unsafe.Pointer(g)) // want `a pointer as a number differs between runs`
	_ = uintptr(7)
	_ = reflect.ValueOf(g).Pointer() // want `Pointer: an address differs between runs`
}

func libraries() {
	var group errgroup.Group // want `errgroup.Group: use a Group from rt.NewGroup\(ctx\) \(go\)`
	_ = group.Wait()
}

func left() {
	// sim:port construct it by hand // want `by hand: construct it by hand .*\(port\)`
}
