package persist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/runtime"
)

// pause is a wait that doubles, with jitter, up to a limit.
type pause struct {
	rt   *runtime.Runtime
	rand *runtime.Rand
	next time.Duration
	max  time.Duration
}

func (c *Client) newPause(minimum, maximum time.Duration) *pause {
	rand := runtime.NewRand(c.jitter ^ c.pauses.Add(1)) // a stream belongs to one task
	return &pause{rt: c.rt, rand: rand, next: minimum, max: maximum}
}

// newRetry paces the attempts of an external operation.
func (c *Client) newRetry() *pause {
	config := c.config()
	return c.newPause(config.RetryMin, config.RetryMax)
}

// newPoll paces the looks at a shard of somebody who waits for it.
func (c *Client) newPoll() *pause {
	config := c.config()
	return c.newPause(config.PollMin, config.PollMax)
}

// draw returns a time between half of the pause and all of it.
func (p *pause) draw() time.Duration {
	d := p.next/2 + runtime.Below(p.rand, p.next/2+1)
	p.next = min(2*p.next, p.max)
	return d
}

func (p *pause) wait(ctx context.Context) error { return p.rt.Sleep(ctx, p.draw()) }

// isFinal reports whether trying again can not help.
func isFinal(err error) bool {
	var violation *state.ViolationError
	var version *VersionError
	return errors.Is(err, ErrUsage) || errors.Is(err, ErrCorruption) || errors.Is(err, ErrNotFound) ||
		errors.Is(err, ErrUnknownKey) || errors.As(err, &violation) || errors.As(err, &version)
}

// retryExternal calls an idempotent operation until it succeeds, fails for
// good, or ctx ends.
func (c *Client) retryExternal(ctx context.Context, op func() error) error {
	p := c.newRetry()
	for {
		err := op()
		if err == nil || isFinal(err) {
			return err
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
}

// readAttempts is how often something is read that comes damaged, before the damage is
// taken to be in the store and not on the way.
const readAttempts = 3

// readIntact is retryExternal for a reading that says by ErrCorruption that what it has
// got is damaged.
func (c *Client) readIntact(ctx context.Context, read func() error) (err error) {
	for range readAttempts {
		if err = c.retryExternal(ctx, read); !errors.Is(err, ErrCorruption) {
			break
		}
	}
	return err
}

// compareAndSet calls Consensus.CompareAndSet until the answer is not a
// determinate failure. An error that is left is final or indeterminate.
func (c *Client) compareAndSet(ctx context.Context, key string, expected SeqNo, next Versioned) (bool, error) {
	p := c.newRetry()
	for {
		committed, err := c.consensus.CompareAndSet(ctx, key, expected, next)
		if err == nil || isFinal(err) || !errors.Is(err, ErrDeterminate) {
			return committed, err
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return false, fmt.Errorf("%w: %w", err, ctxErr)
		}
		if waitErr := p.wait(ctx); waitErr != nil {
			return false, fmt.Errorf("%w: %w", err, waitErr)
		}
	}
}
