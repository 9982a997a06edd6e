package zoo

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func duplicateDelivery() []Program {
	return []Program{
		{
			Name:    "visibility-timeout",
			Doc:     "a worker takes as long for an order as the queue waits before it delivers the order again",
			Depth:   1,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { shipOrders(ctx, rt, (*warehouse).ship) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { shipOrders(ctx, rt, (*warehouse).shipOnce) },
		},
		{
			Name:    "rebalanced-partition",
			Doc:     "a partition moves to another consumer between the work on a message and the commit of its offset",
			Source:  "nats-io/nats-server#5419",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { rebalance(ctx, rt, (*partition).charge) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { rebalance(ctx, rt, (*partition).chargeOnce) },
		},
		{
			Name:    "webhook-dedup",
			Doc:     "two deliveries of one event both look whether it has been seen, before either notes it",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { receiveHooks(ctx, rt, (*webhooks).receive) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { receiveHooks(ctx, rt, (*webhooks).receiveNoted) },
		},
		{
			Name:    "offset-rewind",
			Doc:     "a consumer that was stopped commits its old offset late, over the newer one of its successor",
			Depth:   1,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { rewindOffsets(ctx, rt, (*offsets).commit) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { rewindOffsets(ctx, rt, (*offsets).commitForward) },
		},
	}
}

// warehouse ships the orders of a queue.
type warehouse struct {
	mu      *runtime.Mutex // guards shipped and acked
	shipped map[string]int
	acked   bool
}

func (w *warehouse) ship(order string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shipped[order]++ // Bug: a second delivery of the order ships it again.
}

func (w *warehouse) shipOnce(order string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shipped[order] = 1
}

func (w *warehouse) acknowledge(acked bool) (before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before = w.acked
	w.acked = w.acked || acked
	return before
}

func shipOrders(ctx context.Context, rt *runtime.Runtime, ship func(*warehouse, string)) {
	w := &warehouse{mu: rt.NewMutex(), shipped: make(map[string]int)}
	deliveries := runtime.NewChan[string](rt, 1)
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "worker", func(ctx context.Context) {
			for order := range deliveries.All(ctx) {
				if rt.Sleep(ctx, 30*time.Second) != nil {
					return
				}
				ship(w, order)
				w.acknowledge(true)
			}
		})
	}
	tasks.Go(ctx, "queue", func(ctx context.Context) {
		_ = deliveries.Send(ctx, "order-7")
		if rt.Sleep(ctx, 30*time.Second) == nil && !w.acknowledge(false) {
			_ = deliveries.Send(ctx, "order-7")
		}
		deliveries.Close()
	})
	tasks.Wait()
	rt.Always(w.shipped["order-7"] == 1, "shipped-once", "shipped", w.shipped["order-7"])
}

// partition is a log of payments with one consumer at a time, and what was charged.
type partition struct {
	mu       *runtime.Mutex // guards what follows
	owner    string
	offset   int
	payments []string
	charges  map[string]int
}

func (p *partition) poll(who string) (payment string, offset int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owner != who || p.offset == len(p.payments) {
		return "", 0, false
	}
	return p.payments[p.offset], p.offset, true
}

func (p *partition) charge(payment string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.charges[payment]++ // Bug: the consumer before may have charged it, and not have committed.
}

func (p *partition) chargeOnce(payment string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.charges[payment] = 1
}

func (p *partition) commit(who string, offset int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owner == who {
		p.offset = offset + 1
	}
}

func (p *partition) assign(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner = who
}

func (p *partition) consume(who string, charge func(*partition, string)) {
	for {
		payment, offset, ok := p.poll(who)
		if !ok {
			return
		}
		charge(p, payment)
		p.commit(who, offset)
	}
}

func rebalance(ctx context.Context, rt *runtime.Runtime, charge func(*partition, string)) {
	p := &partition{mu: rt.NewMutex(), owner: "a", payments: []string{"rent", "power"}, charges: make(map[string]int)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "consumer-a", func(context.Context) { p.consume("a", charge) })
	tasks.Go(ctx, "consumer-b", func(context.Context) {
		p.assign("b")
		p.consume("b", charge)
	})
	tasks.Wait()
	for _, payment := range p.payments {
		rt.Always(p.charges[payment] == 1, "charged-once", "payment", payment, "charges", p.charges[payment])
	}
}

// webhooks handles events, each of which may come more than once.
type webhooks struct {
	rt      *runtime.Runtime
	store   *runtime.Resource
	seen    map[string]bool
	handled map[string]int
}

func (w *webhooks) receive(event string) {
	w.rt.Read(w.store)
	if w.seen[event] {
		return
	}
	w.rt.Write(w.store)
	w.handled[event]++ // Bug: another delivery may be just here, too.
	w.rt.Write(w.store)
	w.seen[event] = true
}

func (w *webhooks) receiveNoted(event string) {
	w.rt.Write(w.store)
	if w.seen[event] {
		return
	}
	w.seen[event] = true // look and note in one request
	w.rt.Write(w.store)
	w.handled[event]++
}

func receiveHooks(ctx context.Context, rt *runtime.Runtime, receive func(*webhooks, string)) {
	w := &webhooks{
		rt: rt, store: runtime.NewResource("database", "hooks"), seen: make(map[string]bool), handled: make(map[string]int),
	}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "delivery", func(context.Context) { receive(w, "invoice.paid") })
	}
	tasks.Wait()
	rt.Always(w.handled["invoice.paid"] == 1, "handled-once", "handled", w.handled["invoice.paid"])
}

// offsets says how far a log of messages is consumed.
type offsets struct {
	rt        *runtime.Runtime
	broker    *runtime.Resource
	sink      *runtime.Resource
	committed int
}

func (o *offsets) fetch() int {
	o.rt.Read(o.broker)
	return o.committed
}

func (o *offsets) commit(offset int) {
	o.rt.Write(o.broker)
	o.committed = offset // Bug: it can go back behind what is committed already.
}

func (o *offsets) commitForward(offset int) {
	o.rt.Write(o.broker)
	o.committed = max(o.committed, offset)
}

// consume processes the messages up to one, and commits them together.
func (o *offsets) consume(end int, commit func(*offsets, int)) {
	for offset := o.fetch(); offset < end; offset++ {
		o.rt.Write(o.sink)
	}
	commit(o, end)
}

func rewindOffsets(ctx context.Context, rt *runtime.Runtime, commit func(*offsets, int)) {
	o := &offsets{
		rt: rt, broker: runtime.NewResource("broker", "offsets"), sink: runtime.NewResource("database", "sink"),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "stopped-consumer", func(context.Context) { o.consume(1, commit) })
	tasks.Go(ctx, "successor", func(context.Context) { o.consume(8, commit) })
	tasks.Wait()
	rt.Always(o.committed == 8, "committed-stays", "committed", o.committed)
}
