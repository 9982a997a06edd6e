package sweep

import (
	goruntime "runtime"
	"runtime/metrics"
)

// memoryEvery is how many runs there are between two looks at the heap.
const memoryEvery = 16

// lookAtMemory ends the sweep if the heap has become too large for it. What counts is
// what a collection leaves.
func (s *sweep) lookAtMemory() {
	limit := s.options.MemoryMax
	if limit == 0 || s.report.Done%memoryEvery != 0 || heap() <= limit {
		return
	}
	goruntime.GC()
	if size := heap(); size > limit {
		s.stopped = true
		s.report.MemoryExceeded = size
	}
}

// heap returns the bytes of objects on the heap.
func heap() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64()
}
