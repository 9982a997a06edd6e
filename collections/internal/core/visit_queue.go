package core

// visitQueue is the heap of what a step still has to visit. The greatest rank comes
// first, and so all dependents of a collection before it. The order among equal
// ranks makes no difference to the outcome.
type visitQueue []queuedVisit

type queuedVisit struct {
	rank  int64
	visit *visit
}

func (q *visitQueue) push(v *visit) {
	heap := append(*q, queuedVisit{v.record.rank, v})
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if heap[parent].rank >= heap[i].rank {
			break
		}
		heap[parent], heap[i] = heap[i], heap[parent]
		i = parent
	}
	*q = heap
}

// pop removes and returns what is to be visited next; there must be something.
func (q *visitQueue) pop() *visit {
	heap := *q
	first, last := heap[0].visit, len(heap)-1
	heap[0], heap[last] = heap[last], queuedVisit{}
	heap = heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < last && heap[child].rank < heap[child+1].rank {
			child++
		}
		if child >= last || heap[i].rank >= heap[child].rank {
			break
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
	*q = heap
	return first
}
