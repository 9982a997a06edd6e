package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
	"github.com/tidemarkdb/tidemark/runtime"
)

// append appends without end.
func (p *process) append(ctx context.Context, random *rand.Rand) error {
	w, err := p.client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "writer"})
	if err != nil {
		return err
	}
	for {
		lower := timeOf(w.Upper())
		upper := lower + 1 + random.Uint64N(3)
		bounds := fmt.Sprintf("%d\t%d", lower, upper)
		processtest.Say("try", bounds)
		err := w.CompareAndAppend(ctx, updatesBetween(lower, upper), frontier.At(lower), frontier.At(upper))
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		switch {
		case err == nil:
			processtest.Say("acknowledged", bounds)
		case errors.As(err, &unknown):
			if _, err := w.FetchRecentUpper(ctx); err != nil {
				return err
			}
		case !errors.As(err, &mismatch):
			return err
		}
	}
}

// audit reads without end, and moves the since if the process is to.
func (p *process) audit(ctx context.Context, random *rand.Rand) error {
	for {
		r, err := p.client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "auditor"})
		if err != nil {
			return err
		}
		for range 4 + random.IntN(12) {
			if err = p.auditOnce(ctx, r, random); err != nil {
				break
			}
		}
		switch {
		case isTooSlow(err):
			processtest.Say("expired")
		case err != nil:
			return err
		case random.IntN(3) > 0: // else the lease runs out
			if err := r.Close(ctx); err != nil {
				return err
			}
		}
	}
}

func (p *process) auditOnce(ctx context.Context, r *persist.Reader, random *rand.Rand) error {
	upper, err := p.upper(ctx)
	if err != nil {
		return err
	}
	since, ok := r.Since().Time()
	switch {
	case !ok || since >= upper:
		return r.Renew(ctx)
	case random.IntN(20) == 0:
		_, err = p.usage(ctx)
		return err
	case p.role.MovesSince && random.IntN(4) == 0:
		next := frontier.At(between(random, since, upper))
		if random.IntN(2) == 0 {
			r.Downgrade(next)
		}
		_, err = p.owner.CompareAndDowngrade(ctx, opaque, opaque, next)
		return err
	}
	p.model.advance(timeOf(r.SharedSince())) // other readers, also later ones, may be behind this one
	asOf := since
	if random.IntN(3) > 0 {
		asOf = between(random, since, upper)
	}
	if err := p.read(ctx, r, asOf); err != nil {
		return err
	}
	processtest.Say("read")
	return nil
}

// sweep deletes orphans without end.
func (p *process) sweep(ctx context.Context, rt *runtime.Runtime) error {
	s, err := p.client.OpenShard(ctx, shard)
	if err != nil {
		return err
	}
	for {
		if err := rt.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		swept, err := s.Sweep(ctx, persist.SweepOptions{Grace: 20 * time.Millisecond})
		if err != nil {
			return err
		}
		processtest.Say("swept", strconv.Itoa(len(swept.Deleted)))
	}
}
