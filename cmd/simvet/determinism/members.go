package determinism

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// members says which members of a package are forbidden, and what to use
// instead.
type members struct {
	rule string
	// named are forbidden members with what to use instead.
	named map[string]string
	// rest is what to use instead of every function and variable that is neither
	// named nor harmless; empty forbids the named ones only.
	rest     string
	harmless []string
}

// forbidden lists the packages by import path.
var forbidden = map[string]members{
	"sync": {rule: "native-lock", named: map[string]string{
		"Mutex":      "use *runtime.Mutex from rt.NewMutex()",
		"RWMutex":    "use *runtime.RWMutex from rt.NewRWMutex()",
		"WaitGroup":  "use *runtime.WaitGroup from rt.NewWaitGroup(), or a Group from rt.NewGroup(ctx)",
		"Once":       "use *runtime.Once from rt.NewOnce()",
		"Cond":       "use *runtime.Cond from rt.NewCond(locker)",
		"NewCond":    "use rt.NewCond(locker)",
		"OnceFunc":   "use rt.NewOnce()",
		"OnceValue":  "use rt.NewOnce() and a field",
		"OnceValues": "use rt.NewOnce() and fields",
		"Map":        "its Range has no order: use a map under rt.NewMutex(), and sort its keys",
		"Pool":       "what it holds depends on the garbage collector: use a free list",
	}},
	"time": {rule: "clock", named: map[string]string{
		"Now": "use rt.Now()", "Since": "use rt.Since(t)", "Until": "use t.Sub(rt.Now())",
		"Sleep": "use rt.Sleep(ctx, d)", "After": "use rt.NewTimer(d).C", "Tick": "use rt.NewTicker(d).C",
		"NewTimer": "use rt.NewTimer(d)", "NewTicker": "use rt.NewTicker(d)", "AfterFunc": "use rt.AfterFunc(d, f)",
		"Timer": "use *runtime.Timer from rt.NewTimer(d)", "Ticker": "use *runtime.Ticker from rt.NewTicker(d)",
	}},
	"context": {rule: "context", named: map[string]string{
		"WithCancel": "use rt.WithCancel(ctx)", "WithCancelCause": "use rt.WithCancelCause(ctx)",
		"WithTimeout": "use rt.WithTimeout(ctx, d)", "WithTimeoutCause": "use rt.WithTimeoutCause(ctx, d, cause)",
		"WithDeadline":      "use rt.WithDeadline(ctx, t)",
		"WithDeadlineCause": "use rt.WithDeadlineCause(ctx, t, cause)",
		"AfterFunc":         "it runs the function on a goroutine: use rt.AfterCancel(ctx, f)",
	}},
	"golang.org/x/sync/errgroup": {rule: "go", named: map[string]string{
		"Group": "use a Group from rt.NewGroup(ctx)", "WithContext": "use rt.NewGroup(ctx)",
	}},
	"golang.org/x/sync/semaphore": {rule: "native-lock", named: map[string]string{
		"Weighted": "use *runtime.Semaphore from rt.NewSemaphore(n)", "NewWeighted": "use rt.NewSemaphore(n)",
	}},
	"golang.org/x/sync/singleflight": {rule: "native-lock", named: map[string]string{
		"Group": "it blocks natively: keep the calls in a map under rt.NewMutex()",
	}},
	"weak":         {rule: "goruntime", rest: "what it finds depends on the garbage collector"},
	"math/rand":    {rule: "rand", rest: drawn, harmless: []string{"New", "NewSource", "NewZipf"}},
	"math/rand/v2": {rule: "rand", rest: drawn, harmless: []string{"New", "NewPCG", "NewChaCha8", "NewZipf"}},
	"crypto/rand":  {rule: "rand", rest: drawn},
	"hash/maphash": {rule: "hash", rest: seeded},
	"os":           {rule: "os", rest: given, harmless: osHarmless},
	"os/exec":      {rule: "os", rest: "hide it behind an interface"},
	"os/signal":    {rule: "os", rest: "handle signals in package main"},
	"syscall":      {rule: "os", named: syscalls},
	"net":          {rule: "net", rest: "hide the network behind an interface", harmless: netHarmless},
	"net/http": {rule: "net", named: map[string]string{
		"Get": client, "Head": client, "Post": client, "PostForm": client, "DefaultClient": client,
		"DefaultTransport": client, "ListenAndServe": server, "ListenAndServeTLS": server, "Serve": server,
		"ServeTLS": server,
	}},
	"runtime": {rule: "goruntime", named: map[string]string{
		"Gosched": "use rt.Yield()", "Goexit": "return an error",
		"NumGoroutine": "count your own tasks", "NumCPU": "take it as a parameter",
		"GOMAXPROCS": "take it as a parameter", "LockOSThread": "it is fatal in a task: keep it out of packages under test",
		"SetFinalizer": "it runs when the garbage collector likes: close explicitly",
		"AddCleanup":   "it runs when the garbage collector likes: close explicitly",
	}},
	"reflect": {rule: "select", named: map[string]string{"Select": "use runtime.Select2..Select4(ctx, arms...)"}},
}

const (
	drawn  = "use rt.Rand(name), whose numbers follow from the seed"
	seeded = "its seeds differ between processes: use a hash with a fixed seed, such as xxhash"
	given  = "take what it gives as a parameter, or hide it behind an interface"
	client = "take a client behind an interface"
	server = "serve in package main"
)

var (
	osHarmless = []string{
		"ErrInvalid", "ErrPermission", "ErrExist", "ErrNotExist", "ErrClosed", "ErrNoDeadline",
		"ErrDeadlineExceeded", "ErrProcessDone", "IsExist", "IsNotExist", "IsPermission", "IsTimeout",
		"IsPathSeparator", "NewSyscallError", "Expand",
	}
	netHarmless = []string{
		"ErrClosed", "JoinHostPort", "SplitHostPort", "ParseIP", "ParseCIDR", "ParseMAC", "CIDRMask", "IPv4",
		"IPv4Mask",
	}
	syscalls = map[string]string{"Getpid": "take it as a parameter", "Getenv": "take it as a parameter"}
)

// checkMember looks at a qualified name such as time.Now.
func (c *checker) checkMember(n *ast.SelectorExpr) {
	object := c.pass.TypesInfo.Uses[n.Sel]
	if object == nil || object.Pkg() == nil {
		return
	}
	if c.isAddressOf(object) {
		c.found("address", n.Pos(), object.Name()+": an address differs between runs: use an id of your own")
		return
	}
	if object.Parent() != object.Pkg().Scope() {
		return // a method or a field
	}
	path := object.Pkg().Path()
	if isMapsPackage(path) {
		c.checkKeys(n, object)
		return
	}
	list, ok := forbidden[path]
	if !ok {
		return
	}
	use, ok := list.named[object.Name()]
	if !ok {
		use = list.rest
		_, isFunction := object.(*types.Func)
		_, isVariable := object.(*types.Var)
		if use == "" || !isFunction && !isVariable || slices.Contains(list.harmless, object.Name()) {
			return
		}
	}
	c.found(list.rule, n.Pos(), object.Pkg().Name()+"."+object.Name()+": "+use)
}

// isAddressOf reports whether a member gives the address of something.
func (c *checker) isAddressOf(object types.Object) bool {
	if object.Pkg().Path() != "reflect" {
		return false
	}
	switch object.Name() {
	case "Pointer", "UnsafeAddr", "UnsafePointer":
		signature, ok := object.Type().(*types.Signature)
		return ok && signature.Recv() != nil && strings.HasSuffix(signature.Recv().Type().String(), "reflect.Value")
	}
	return false
}
