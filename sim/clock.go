package sim

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Clock says how the clock of a node differs from the time of the world. The zero value
// is a perfect one.
type Clock struct {
	// Offset is how far the wall clock is ahead.
	Offset time.Duration
	// Rate is by how many millionths the clock runs fast; below zero, slow. Timers go
	// by it too. A quartz has up to 100, a bad virtual machine a few thousand.
	Rate int64
	// Swing and Period let the wall clock swing to and fro by as much as Swing, as one
	// does that is set right again and again. Both or neither are zero.
	Swing, Period time.Duration
}

const (
	million = 1_000_000
	rateMax = 1000 * million // a thousand times as fast
)

func (c Clock) validate() error {
	switch {
	case c.Rate <= -million || c.Rate > rateMax:
		return fmt.Errorf("%w: a clock that is %d ppm fast", ErrState, c.Rate)
	case c.Swing < 0 || c.Period < 0 || (c.Swing == 0) != (c.Period == 0):
		return fmt.Errorf("%w: a clock that swings by %v in %v", ErrState, c.Swing, c.Period)
	}
	return nil
}

// nodeClock is a clock with what it takes to go on from one rate to another.
type nodeClock struct {
	Clock
	world, own int64 // readings at the last change of the rate: of the world's clock, and of this one
}

// SetClock gives the node another clock. Timers go on as if its rate had always been the
// new one; the wall clock jumps by the change of Offset. A clock that cannot be is an
// ErrState.
func (n *Node) SetClock(c Clock) error {
	return n.world.operate(func() error {
		if err := c.validate(); err != nil {
			return err
		}
		n.drift(c.Rate)
		n.clock.Clock = c
		n.world.kernel.markOpaque()
		n.world.tell(fmt.Sprintf("clock of %s: %+v", n.name, c))
		return nil
	})
}

// Clock returns how the node's clock differs from the time of the world.
func (n *Node) Clock() (c Clock) {
	n.world.kernel.join(func() { c = n.clock.Clock })
	return c
}

// drift changes the rate from now on.
func (n *Node) drift(rate int64) {
	now := n.world.kernel.now
	n.clock.world, n.clock.own = now, n.clock.at(now)
	n.clock.Rate = rate
}

// steady ends drift and swing. The wall clock does not jump.
func (n *Node) steady() {
	if n.clock.Rate == 0 && n.clock.Swing == 0 {
		return
	}
	n.drift(0)
	n.clock.Offset = time.Duration(n.clock.wallOffset(n.clock.world))
	n.clock.Swing, n.clock.Period = 0, 0
}

// at returns the reading at a time of the world, by which timers go.
func (c *nodeClock) at(world int64) int64 {
	passed := world - c.world
	return c.own + passed + passed/million*c.Rate + passed%million*c.Rate/million
}

// when returns the first time of the world at which the clock reads own or more.
func (c *nodeClock) when(own int64) int64 {
	if c.Rate == 0 && c.own == c.world || own == math.MaxInt64 {
		return own
	}
	passed, speed := own-c.own, million+c.Rate
	if passed <= 0 {
		return c.world
	}
	whole, rest := passed/speed, passed%speed
	if whole > (math.MaxInt64-c.world)/million-million {
		return math.MaxInt64
	}
	return c.world + whole*million + (rest*million+speed-1)/speed
}

// wallOffset returns how far the wall clock is ahead of the reading.
func (c *nodeClock) wallOffset(world int64) int64 {
	if c.Swing == 0 {
		return int64(c.Offset)
	}
	// A triangle: no floating point, which differs between processors.
	phase, half := (world-epoch)%int64(c.Period), int64(c.Period)/2
	if phase > half {
		phase = int64(c.Period) - phase
	}
	if half == 0 {
		return int64(c.Offset)
	}
	high, low := bits.Mul64(uint64(c.Swing), uint64(min(phase, half)))
	swing, _ := bits.Div64(high, low, uint64(half))
	return int64(c.Offset) + int64(swing)
}

// parseRate reads "200ppm".
func parseRate(text string) (int64, error) {
	number, ok := strings.CutSuffix(text, "ppm")
	if !ok {
		return 0, fmt.Errorf("%q does not end with ppm", text)
	}
	rate, err := strconv.ParseInt(strings.TrimPrefix(number, "+"), 10, 64)
	if err == nil && (rate <= -million || rate > rateMax) {
		err = fmt.Errorf("%d ppm is not a drift that a clock can have", rate)
	}
	return rate, err
}
