package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// retrier sends requests again that may be sent again: everything but a conditional write.
type retrier struct {
	rt     *runtime.Runtime
	limit  time.Duration
	jitter uint64        // seed of the streams of pauses
	pauses atomic.Uint64 // how many there were
}

// How long the pauses between attempts are.
const (
	pauseMin = 4 * time.Millisecond
	pauseMax = 16 * time.Second
)

// renewalsMax is how often a client that was refused may do better with new credentials or
// the right time.
const renewalsMax = 2

// pause is a wait that doubles, with jitter, up to pauseMax.
type pause struct {
	rand *runtime.Rand
	next time.Duration
}

func (r *retrier) newPause() *pause {
	return &pause{rand: runtime.NewRand(r.jitter ^ r.pauses.Add(1)), next: pauseMin} // a stream belongs to one task
}

// draw returns a time between half of the pause and all of it.
func (p *pause) draw() time.Duration {
	d := p.next/2 + runtime.Below(p.rand, p.next/2+1)
	p.next = min(2*p.next, pauseMax)
	return d
}

// repeat performs a request until it has an answer, or one more attempt can not help, or the
// limit of the operation has passed, or ctx ends. If the request has been sent more often
// than once the error says what is known of all of them.
func (r *retrier) repeat(ctx context.Context, perform func(ctx context.Context) error) error {
	begin, pause := r.rt.Now(), r.newPause()
	isUnsettled, renewals := false, 0
	for attempt := 1; ; attempt++ {
		err := perform(ctx)
		var failure *RequestError
		if !errors.As(err, &failure) {
			return err
		}
		failure.isUnsettled = isUnsettled
		isUnsettled = isUnsettled || failure.isWrite && failure.class.isOpen()
		if failure.class == expired {
			renewals++
		}
		isFinal := !failure.class.mayPass() || renewals > renewalsMax
		wait := pause.draw()
		switch {
		case isFinal:
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case r.rt.Since(begin)+wait > r.limit:
			return err
		}
		r.log(attempt, failure)
		if sleepErr := r.rt.Sleep(ctx, wait); sleepErr != nil {
			return fmt.Errorf("%w: %w", sleepErr, err)
		}
	}
}

// log says that something is going on for some time.
func (r *retrier) log(attempt int, failure *RequestError) {
	level := slog.LevelDebug
	switch {
	case attempt >= 30:
		level = slog.LevelWarn
	case attempt >= 3:
		level = slog.LevelInfo
	}
	r.rt.Logger().Log(context.Background(), level, "s3: a request is sent again",
		"attempt", attempt, "error", failure.Error())
}

// status returns that of the answer that an error is about, or 0.
func status(err error) int {
	var failure *RequestError
	if errors.As(err, &failure) {
		return failure.Status
	}
	return 0
}
