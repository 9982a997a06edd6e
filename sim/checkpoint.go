package sim

import "fmt"

// checkpoints keeps hashes at distances that grow with the run, so that there are never
// many of them.
type checkpoints struct {
	all   []Checkpoint
	every uint64
}

const (
	checkpointsMax   = 64
	checkpointsEvery = 256
)

// add takes the hash up to a step, if it is far enough from the last one.
func (c *checkpoints) add(step, hash uint64) {
	c.every = max(c.every, checkpointsEvery)
	if n := len(c.all); n > 0 && step-c.all[n-1].Step < c.every {
		return
	}
	c.all = append(c.all, Checkpoint{step, hash})
	if len(c.all) < checkpointsMax {
		return
	}
	half := c.all[:0]
	for i := 1; i < len(c.all); i += 2 {
		half = append(half, c.all[i])
	}
	c.all = half
	c.every *= 2
}

// parted says between which steps a run has parted from a tape; empty if nobody can tell.
func parted(run, tape []Checkpoint) string {
	hashes := make(map[uint64]uint64, len(run))
	for _, c := range run {
		hashes[c.Step] = c.Hash
	}
	last := uint64(0)
	for _, c := range tape {
		hash, known := hashes[c.Step]
		switch {
		case known && hash != c.Hash:
			return fmt.Sprintf("; they part between steps %d and %d", last, c.Step)
		case known:
			last = c.Step
		}
	}
	if last == 0 {
		return ""
	}
	return fmt.Sprintf("; they part after step %d", last)
}
