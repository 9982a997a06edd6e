package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func atomicityViolation() []Program {
	return []Program{
		{
			Name:    "ticket-sale",
			Doc:     "a sale looks whether tickets are left, lets go of the lock, and then takes them",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { sellTickets(ctx, rt, (*ticketOffice).sell) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { sellTickets(ctx, rt, (*ticketOffice).sellLocked) },
		},
		{
			Name:    "trial-balance",
			Doc:     "a report adds up accounts one by one while money moves between them",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { reportBalance(ctx, rt, (*books).total) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { reportBalance(ctx, rt, (*books).totalLocked) },
		},
		{
			Name:    "buffer-free-list",
			Doc:     "a free list compares and swaps its head, which left and came back meanwhile (ABA)",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { useBuffers(ctx, rt, (*freeList).take) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { useBuffers(ctx, rt, (*freeList).takeVersioned) },
		},
		{
			Name:    "settings-merge",
			Doc:     "two edits of one document both read it first; an edit that somebody has seen is overwritten",
			Depth:   3,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { mergeSettings(ctx, rt, (*settings).edit) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { mergeSettings(ctx, rt, (*settings).editIfUnchanged) },
		},
		{
			Name:    "period-close",
			Doc:     "a booking asks for the open period and then books into it, when it has been closed and added up",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { closePeriod(ctx, rt, (*ledger).book) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { closePeriod(ctx, rt, (*ledger).bookOpen) },
		},
	}
}

// ticketOffice sells what it has.
type ticketOffice struct {
	mu   *runtime.Mutex // guards left
	left int
}

func (o *ticketOffice) available() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.left
}

func (o *ticketOffice) sell(n int) {
	if o.available() < n {
		return
	}
	o.mu.Lock() // Bug: others may have bought since.
	defer o.mu.Unlock()
	o.left -= n
}

func (o *ticketOffice) sellLocked(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left >= n {
		o.left -= n
	}
}

func sellTickets(ctx context.Context, rt *runtime.Runtime, sell func(*ticketOffice, int)) {
	o := &ticketOffice{mu: rt.NewMutex(), left: 3}
	tasks := rt.NewWaitGroup()
	for range 3 {
		tasks.Go(ctx, "counter", func(context.Context) { sell(o, 2) })
	}
	tasks.Wait()
	rt.Always(o.available() >= 0, "no-overbooking", "left", o.available())
}

// books are accounts with one lock.
type books struct {
	mu       *runtime.Mutex // guards balances
	balances [3]int
}

func (b *books) move(from, to, amount int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balances[from] -= amount
	b.balances[to] += amount
}

func (b *books) total() (sum int) {
	for i := range b.balances {
		b.mu.Lock() // Bug: money that moves meanwhile is counted twice, or not at all.
		sum += b.balances[i]
		b.mu.Unlock()
	}
	return sum
}

func (b *books) totalLocked() (sum int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, balance := range b.balances {
		sum += balance
	}
	return sum
}

func reportBalance(ctx context.Context, rt *runtime.Runtime, total func(*books) int) {
	b := &books{mu: rt.NewMutex(), balances: [3]int{100, 100, 100}}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "transfer", func(context.Context) { b.move(0, 2, 50) })
	tasks.Go(ctx, "report", func(context.Context) {
		sum := total(b)
		rt.Always(sum == 300, "money-is-conserved", "sum", sum)
	})
	tasks.Wait()
}

// freeList is a stack of buffers without a lock: its head is one atomic word.
type freeList struct {
	rt    *runtime.Runtime
	word  *runtime.Resource
	cache *runtime.Resource
	head  listHead
	next  [3]int
	owner [3]string
}

type listHead struct{ buffer, version int }

func (f *freeList) load() (head listHead, next int) {
	f.rt.Read(f.word)
	if f.head.buffer < 0 {
		return f.head, -1
	}
	return f.head, f.next[f.head.buffer]
}

func (f *freeList) compareAndSwap(old, head listHead) bool {
	f.rt.Write(f.word)
	if f.head != old {
		return false
	}
	f.head = head
	return true
}

func (f *freeList) take() int {
	return f.takeWith(0) // Bug: when the swap finds the same head, its next one may be another.
}

func (f *freeList) takeVersioned() int { return f.takeWith(1) }

// takeWith returns the first buffer, -1 for none, and adds to the version.
func (f *freeList) takeWith(changes int) int {
	for {
		head, next := f.load()
		f.rt.Write(f.cache) // prefetch the buffer
		if head.buffer < 0 || f.compareAndSwap(head, listHead{next, head.version + changes}) {
			return head.buffer
		}
	}
}

func (f *freeList) put(buffer int) {
	for {
		head, _ := f.load()
		f.next[buffer] = head.buffer
		if f.compareAndSwap(head, listHead{buffer, head.version}) {
			return
		}
	}
}

func useBuffers(ctx context.Context, rt *runtime.Runtime, take func(*freeList) int) {
	f := &freeList{
		rt: rt, word: runtime.NewResource("atomic", "free-list"), cache: runtime.NewResource("memory", "buffers"),
		next: [3]int{1, 2, -1},
	}
	own := func(who string) int {
		buffer := take(f)
		if buffer >= 0 {
			rt.Always(f.owner[buffer] == "", "one-owner", "buffer", buffer, "owners", f.owner[buffer]+" and "+who)
			f.owner[buffer] = who
		}
		return buffer
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "encoder", func(context.Context) {
		own("encoder")
		own("encoder")
	})
	tasks.Go(ctx, "decoder", func(context.Context) {
		first := own("decoder")
		own("decoder")
		if first >= 0 {
			f.owner[first] = ""
			f.put(first)
		}
	})
	tasks.Wait()
}

// settings is a document in a store, edited as a whole.
type settings struct {
	rt      *runtime.Runtime
	store   *runtime.Resource
	assets  *runtime.Resource
	values  settingValues
	version int
}

type settingValues struct{ theme, language string }

func (s *settings) read() (values settingValues, version int) {
	s.rt.Read(s.store)
	return s.values, s.version
}

// write replaces the document, if the version is the one given or that is -1.
func (s *settings) write(values settingValues, version int) bool {
	s.rt.Write(s.store)
	if version >= 0 && s.version != version {
		return false
	}
	s.values, s.version = values, s.version+1
	return true
}

func (s *settings) edit(change func(*settingValues)) {
	values, _ := s.read()
	s.rt.Read(s.assets)
	change(&values)
	s.write(values, -1) // Bug: it stores the other settings as they were at the read.
}

func (s *settings) editIfUnchanged(change func(*settingValues)) {
	for {
		values, version := s.read()
		s.rt.Read(s.assets)
		change(&values)
		if s.write(values, version) {
			return
		}
	}
}

func mergeSettings(ctx context.Context, rt *runtime.Runtime, edit func(*settings, func(*settingValues))) {
	s := &settings{
		rt: rt, store: runtime.NewResource("store", "settings"), assets: runtime.NewResource("store", "assets"),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "phone", func(context.Context) { edit(s, func(v *settingValues) { v.theme = "dark" }) })
	tasks.Go(ctx, "laptop", func(context.Context) { edit(s, func(v *settingValues) { v.language = "fr" }) })
	seen := false
	tasks.Go(ctx, "viewer", func(context.Context) {
		for range 5 {
			rt.Read(s.assets)
		}
		values, _ := s.read()
		seen = values.theme == "dark"
	})
	tasks.Wait()
	values, _ := s.read()
	rt.Always(!seen || values.theme == "dark", "what-was-seen-stays", "theme", values.theme)
}

// ledger books amounts into the open period. A closed period has a sum.
type ledger struct {
	rt      *runtime.Runtime
	printer *runtime.Resource
	mu      *runtime.Mutex // guards what follows
	open    int
	amounts [2][]int
	sums    [2]int
}

func (l *ledger) period() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

func (l *ledger) book(amount int) {
	period := l.period()
	l.mu.Lock() // Bug: the period may have been closed since, and its sum been taken.
	defer l.mu.Unlock()
	l.amounts[period] = append(l.amounts[period], amount)
}

func (l *ledger) bookOpen(amount int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.amounts[l.open] = append(l.amounts[l.open], amount)
}

// close opens the next period, prints the old one, and adds it up.
func (l *ledger) close() {
	l.mu.Lock()
	old := l.open
	l.open++
	l.mu.Unlock()
	for range 5 {
		l.rt.Write(l.printer)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, amount := range l.amounts[old] {
		l.sums[old] += amount
	}
}

func closePeriod(ctx context.Context, rt *runtime.Runtime, book func(*ledger, int)) {
	l := &ledger{rt: rt, printer: runtime.NewResource("printer", "office"), mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "booking", func(context.Context) { book(l, 10) })
	}
	tasks.Go(ctx, "month-end", func(context.Context) { l.close() })
	tasks.Wait()
	booked := 0
	for _, amount := range l.amounts[0] {
		booked += amount
	}
	rt.Always(booked == l.sums[0], "closed-is-closed", "booked", booked, "sum", l.sums[0])
}
