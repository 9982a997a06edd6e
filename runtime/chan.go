package runtime

import (
	"context"
	"fmt"
	"iter"
)

// Chan is a channel of a runtime. A nil *Chan behaves like a nil channel: it
// is never ready. Sending on a closed channel and closing a closed or nil
// channel panic, as in Go.
type Chan[T any] struct {
	native chan T
	source <-chan T // what receives read: native, or a native timer's channel
	sim    *simChan[T]
}

// NewChan returns a channel with a buffer for n values; 0 makes every send
// wait for its receiver. It panics if n is negative.
func NewChan[T any](rt *Runtime, n int) *Chan[T] {
	if n < 0 {
		panic(errNegativeChan)
	}
	if rt.sched == nil {
		native := make(chan T, n)
		return &Chan[T]{native: native, source: native}
	}
	c := newSimChan[T](n)
	rt.name(&c.Object, "chan")
	return &Chan[T]{sim: c}
}

// Send sends v, or returns ctx's error without having sent it. If both are
// possible either may happen.
func (c *Chan[T]) Send(ctx context.Context, v T) error {
	if c == nil {
		return blockForEver(ctx)
	}
	if c.sim != nil {
		return c.sim.send(ctx, v)
	}
	select { // a non-blocking send is cheaper than a select with ctx.Done
	case c.native <- v:
		return nil
	default:
	}
	done := ctx.Done()
	if done == nil {
		c.native <- v
		return nil
	}
	select {
	case c.native <- v:
		return nil
	case <-done:
		return ctx.Err()
	}
}

// Recv receives a value. It returns ErrClosed once the channel is closed and
// empty, and ctx's error if that comes first; either may happen if both are
// possible.
func (c *Chan[T]) Recv(ctx context.Context) (T, error) {
	if c == nil {
		var zero T
		return zero, blockForEver(ctx)
	}
	if c.sim != nil {
		return c.sim.recv(ctx)
	}
	select {
	case v, ok := <-c.source:
		return v, openOr(ok)
	default:
	}
	return c.recvSlow(ctx)
}

func (c *Chan[T]) recvSlow(ctx context.Context) (T, error) {
	done := ctx.Done()
	if done == nil {
		v, ok := <-c.source
		return v, openOr(ok)
	}
	select {
	case v, ok := <-c.source:
		return v, openOr(ok)
	case <-done:
		var zero T
		return zero, ctx.Err()
	}
}

func openOr(ok bool) error {
	if ok {
		return nil
	}
	return ErrClosed
}

// TrySend sends v if that is possible at once, and reports whether it was.
func (c *Chan[T]) TrySend(v T) bool {
	if c == nil {
		return false
	}
	if c.sim != nil {
		return c.sim.trySend(v)
	}
	select {
	case c.native <- v:
		return true
	default:
		return false
	}
}

// TryRecv receives a value if that is possible at once. Like the two-valued
// receive of Go it tells a value (nil error) from a closed channel
// (ErrClosed); received is false if the channel is open and empty.
func (c *Chan[T]) TryRecv() (v T, received bool, err error) {
	if c == nil {
		return v, false, nil
	}
	if c.sim != nil {
		return c.sim.tryRecv()
	}
	select {
	case v, ok := <-c.source:
		return v, ok, openOr(ok)
	default:
		return v, false, nil
	}
}

// Deliver sends v as TrySend does, and is no operation of a task: it is for objects of a
// simulated world, such as a network, which call it outside any task ([Alarm.Fire]) or in
// a task of another node. Nobody goes first because of it, and a closed channel takes
// nothing. Live it is TrySend.
func (c *Chan[T]) Deliver(v T) bool {
	if c == nil {
		return false
	}
	if c.sim == nil {
		return c.TrySend(v)
	}
	if c.sim.closed || !c.sim.canSend() {
		return false
	}
	c.sim.put(v)
	return true
}

// Close closes the channel: receivers get what is buffered, then ErrClosed.
func (c *Chan[T]) Close() {
	if c == nil {
		panic(errCloseOfNil)
	}
	if c.sim != nil {
		c.sim.close()
		return
	}
	close(c.native)
}

// Len returns the number of buffered values; 0 for a timer's channel.
func (c *Chan[T]) Len() int {
	if c == nil {
		return 0
	}
	if c.sim != nil {
		c.sim.rt.enter(OpLen, &c.sim.Object)
		if c.sim.ofTimer {
			return 0
		}
		return c.sim.length
	}
	return len(c.source)
}

// Cap returns the size of the buffer; 0 for a timer's channel.
func (c *Chan[T]) Cap() int {
	if c == nil {
		return 0
	}
	if c.sim != nil {
		if c.sim.ofTimer {
			return 0
		}
		return len(c.sim.buffer)
	}
	return cap(c.source)
}

// All yields the values of the channel until it is closed. If ctx ends first
// it yields ctx's error, once, and stops.
func (c *Chan[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := c.Recv(ctx)
			if err == ErrClosed { //nolint:errorlint // Recv returns it unwrapped
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// blockForEver is an operation on a nil channel. Under a scheduler the runtime
// is found in the context, the only thing at hand.
func blockForEver(ctx context.Context) error {
	if rt := runtimeOf(ctx); rt != nil {
		return rt.await(ctx, OpNil, nil, func() bool { return false }, &queue[struct{}]{})
	}
	<-ctx.Done()
	return ctx.Err()
}

// simChan is a channel under a scheduler. One rule holds between steps: if
// receivers wait, the buffer is empty and no senders wait; if senders wait,
// the buffer is full.
type simChan[T any] struct {
	Object
	ended        stamp // by close
	buffer       []slot[T]
	head, length int
	closed       bool
	ofTimer      bool // the buffer does not show in Len and Cap, as in Go since 1.23
	senders      queue[T]
	receivers    queue[T]
}

// slot is one place of a buffer. The k-th receive comes before the k-th send after
// it that fits into the buffer only because of it: that is the next one into the
// same slot.
type slot[T any] struct {
	sent, received stamp
	value          T
}

//go:norace
func newSimChan[T any](n int) *simChan[T] { return &simChan[T]{buffer: make([]slot[T], n)} }

// canSend reports whether a send would not wait. On a closed channel it does
// not wait but panic.
func (c *simChan[T]) canSend() bool {
	return c.closed || c.receivers.first != nil || c.length < len(c.buffer)
}

// canRecv reports whether a receive would not wait.
func (c *simChan[T]) canRecv() bool {
	return c.length > 0 || c.senders.first != nil || c.closed
}

// put sends v; canSend holds.
//
//go:norace
func (c *simChan[T]) put(v T) {
	if c.closed {
		panic(errSendOnClosed)
	}
	if w := c.receivers.pop(); w != nil {
		c.meet(w)
		w.value, w.ok = v, true
		w.wake()
		return
	}
	s := &c.buffer[(c.head+c.length)%len(c.buffer)]
	s.value = v
	s.sent.set()
	s.received.observe()
	c.length++
}

// meet orders a send and the receiver that waits for it: each comes after the
// other, unless there is a buffer, through which the value is taken to go.
//
//go:norace
func (c *simChan[T]) meet(w *waiter[T]) {
	received := w.stamp
	w.stamp.set()
	if len(c.buffer) > 0 {
		s := &c.buffer[c.head]
		c.head = (c.head + 1) % len(c.buffer)
		received, s.received = s.received, received
	}
	received.observe()
}

// get receives; canRecv holds. It is false if the channel is closed.
//
//go:norace
func (c *simChan[T]) get() (v T, ok bool) {
	if c.length > 0 {
		s := &c.buffer[c.head]
		v = s.value
		sent := s.sent
		s.received.set()
		c.head = (c.head + 1) % len(c.buffer)
		if w := c.senders.pop(); w != nil { // the buffer is full, and the slot is the next one to fill
			s.value, s.sent = w.value, w.stamp
			w.stamp, w.ok = s.received, true
			w.wake()
		} else {
			var zero T
			s.value = zero
			c.length--
		}
		sent.observe()
		return v, true
	}
	if w := c.senders.pop(); w != nil {
		v = w.value
		sent := w.stamp
		w.stamp.set()
		w.ok = true
		w.wake()
		sent.observe()
		return v, true
	}
	c.ended.observe()
	return v, false
}

// sent ends a send that had to wait.
//
//go:norace
func (c *simChan[T]) sent(w *waiter[T]) {
	ok := w.ok
	if ok {
		w.stamp.observe()
	}
	c.senders.release(w)
	if !ok {
		panic(errSendOnClosed)
	}
}

// received ends a receive that had to wait.
//
//go:norace
func (c *simChan[T]) received(w *waiter[T]) (T, bool) {
	v, ok := w.value, w.ok
	if ok {
		w.stamp.observe()
	} else {
		c.ended.observe()
	}
	c.receivers.release(w)
	return v, ok
}

//go:norace
func (c *simChan[T]) send(ctx context.Context, v T) error {
	cancel, err := c.rt.cancellerOf(ctx)
	if err != nil {
		return err
	}
	t := c.rt.enter(OpSend, &c.Object)
	ready := c.canSend()
	if cancel.preempts(ready) {
		cancel.leave()
		return cancel.failure()
	}
	if ready {
		cancel.leave()
		c.put(v)
		return nil
	}
	w := c.senders.push(t, 0)
	w.value = v
	arm := cancel.park(t, Op{OpSend, &c.Object})
	cancel.leave()
	if arm == armCancel {
		c.senders.release(w)
		return cancel.failure()
	}
	c.sent(w)
	return nil
}

//go:norace
func (c *simChan[T]) recv(ctx context.Context) (v T, err error) {
	cancel, err := c.rt.cancellerOf(ctx)
	if err != nil {
		return v, err
	}
	t := c.rt.enter(OpRecv, &c.Object)
	ready := c.canRecv()
	if cancel.preempts(ready) {
		cancel.leave()
		return v, cancel.failure()
	}
	if ready {
		cancel.leave()
		v, ok := c.get()
		return v, openOr(ok)
	}
	w := c.receivers.push(t, 0)
	arm := cancel.park(t, Op{OpRecv, &c.Object})
	cancel.leave()
	if arm == armCancel {
		c.receivers.release(w)
		return v, cancel.failure()
	}
	v, ok := c.received(w)
	return v, openOr(ok)
}

func (c *simChan[T]) trySend(v T) bool {
	c.rt.enter(OpSend, &c.Object)
	if !c.canSend() {
		return false
	}
	c.put(v)
	return true
}

func (c *simChan[T]) tryRecv() (v T, received bool, err error) {
	c.rt.enter(OpRecv, &c.Object)
	if !c.canRecv() {
		return v, false, nil
	}
	v, ok := c.get()
	return v, ok, openOr(ok)
}

//go:norace
func (c *simChan[T]) close() {
	c.rt.enter(OpClose, &c.Object)
	if c.closed {
		panic(errCloseOfClosed)
	}
	c.closed = true
	c.ended.set()
	c.receivers.wakeAll()
	c.senders.wakeAll()
}

// String names the channel in messages.
func (c *Chan[T]) String() string {
	if c == nil {
		return "nil channel"
	}
	if c.sim != nil {
		return c.sim.Name()
	}
	return fmt.Sprintf("chan(%d)", cap(c.source))
}
