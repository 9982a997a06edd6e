package scenarios

import (
	"bytes"

	"github.com/tidemarkdb/tidemark/persist"
)

// parcel is a batch on its way, and what is in it.
type parcel struct {
	data     []byte
	updates  []persist.Update
	isStaged bool
	// isTimeless says that the batch is to be read at whatever time it is appended.
	isTimeless bool
}

// order is a part that somebody wants fetched, and what came of it.
type order struct {
	token   []byte
	node    string // of whoever wants it
	updates []persist.Update
	isDone  bool
	isLost  bool // the lease was
}

func (s *shippingWorld) begin(p parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.isStaged {
		s.open++
	}
}

// settle says that it is known what came of a batch.
func (s *shippingWorld) settle(p parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.isStaged {
		s.open--
	}
}

func (s *shippingWorld) settleAll(items []*item) {
	for _, i := range items {
		s.settle(i.parcel)
	}
}

func (s *shippingWorld) unsettled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *shippingWorld) post(p parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.data = bytes.Clone(p.data)
	s.parcels = append(s.parcels, p)
}

// isCrowded reports whether so much is on its way that builders had better wait.
func (s *shippingWorld) isCrowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.parcels) > 6 && !s.isEnding
}

func (s *shippingWorld) take(count int) []parcel {
	s.mu.Lock()
	defer s.mu.Unlock()
	count = min(count, len(s.parcels))
	taken := s.parcels[:count:count]
	s.parcels = s.parcels[count:]
	return taken
}

func (s *shippingWorld) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isEnding = true
}

func (s *shippingWorld) ending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isEnding
}

// request asks for parts on behalf of a process.
func (s *shippingWorld) request(node string, tokens [][]byte) (orders []*order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range tokens {
		orders = append(orders, &order{token: bytes.Clone(token), node: node})
	}
	s.orders = append(s.orders, orders...)
	return orders
}

// takeOrder returns an order of another process, and nil if there is none.
func (s *shippingWorld) takeOrder(node string) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.orders {
		if o.node != node {
			s.orders = append(s.orders[:i:i], s.orders[i+1:]...)
			return o
		}
	}
	return nil
}

func (s *shippingWorld) deliver(o *order, updates []persist.Update, isLost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.isDone, o.isLost = true, isLost
	for _, u := range updates {
		u.Row = bytes.Clone(u.Row)
		o.updates = append(o.updates, u)
	}
}

// outcome returns what came of orders, once all are done or one is lost. The updates are
// not nil.
func (s *shippingWorld) outcome(orders []*order) (updates []persist.Update, isDone, isLost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	updates, isDone = []persist.Update{}, true
	for _, o := range orders {
		isDone, isLost = isDone && o.isDone, isLost || o.isLost
		updates = append(updates, o.updates...)
	}
	return updates, isDone || isLost, isLost
}
