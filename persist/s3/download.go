package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
)

// readingsMax is how often an object is read that comes damaged, or changes meanwhile, before
// that is an error.
const readingsMax = 5

// download returns an object. The first request asks for as much as a part, which mostly
// is all; what is more comes in parts at the same time.
func (s *Store) download(ctx context.Context, name string) (value []byte, err error) {
	for range readingsMax {
		value, err = s.downloadOnce(ctx, name)
		if class := classOf(err); class != preconditionFailed && class != damaged {
			return value, err
		}
	}
	if classOf(err) == damaged {
		err = &persist.CorruptionError{What: "object " + name, Reason: "has another checksum than was written"}
	}
	return nil, err
}

func (s *Store) downloadOnce(ctx context.Context, name string) ([]byte, error) {
	first, err := s.downloadRange(ctx, name, byteRange{0, int64(s.options.PartSize)}, condition{})
	if classOf(err) == emptyRange {
		first, err = s.downloadRange(ctx, name, byteRange{}, condition{}) // it has no bytes
	}
	if err != nil {
		return nil, err
	}
	if first.size > objectSizeMax {
		return nil, fmt.Errorf("an object of %d bytes: %w", first.size, persist.ErrUsage)
	}
	value := first.body
	if first.size > int64(len(value)) {
		value = make([]byte, first.size)
		copy(value, first.body)
		if err := s.downloadRest(ctx, name, first, value); err != nil {
			return nil, err
		}
	}
	if first.hasChecksum && first.checksum != checksum(value) {
		return nil, s.damage(name)
	}
	return value, nil
}

// damage is the error of a reading of what nobody has written.
func (s *sender) damage(name string) error {
	return &RequestError{Operation: "GetObject", Bucket: s.bucket, Key: name, class: damaged, Cause: errDamaged}
}

var errDamaged = errors.New("what was read is not what was written")

// downloadRest reads what comes after the first part of an object, if it is still the same.
func (s *Store) downloadRest(ctx context.Context, name string, first *object, value []byte) error {
	start, part := len(first.body), s.options.PartSize
	return s.each(ctx, (len(value)-start+part-1)/part, func(ctx context.Context, i int) error {
		from := start + i*part
		to := min(from+part, len(value))
		found, err := s.downloadRange(ctx, name, byteRange{int64(from), int64(to)}, condition{match: first.tag})
		if err == nil {
			copy(value[from:to], found.body)
		}
		return err
	})
}

// downloadRange reads a range once a transfer is free.
func (s *Store) downloadRange(ctx context.Context, name string, part byteRange, on condition) (*object, error) {
	var found *object
	err := s.transfer(ctx, func(ctx context.Context) (err error) {
		found, err = s.hedged(ctx, func(ctx context.Context) (*object, error) {
			found, err := s.get(ctx, name, part, on)
			if err == nil && part.limit > 0 && int64(len(found.body)) != min(part.limit, found.size)-part.start {
				err = &RequestError{
					Operation: "GetObject", Bucket: s.bucket, Key: name,
					Cause: fmt.Errorf("%d of %d bytes came for %v", len(found.body), found.size, part),
				}
			}
			return found, err
		})
		return err
	})
	return found, err
}

// transfer repeats a request that carries data, each time when a transfer is free.
func (s *Store) transfer(ctx context.Context, perform func(ctx context.Context) error) error {
	return s.retries.repeat(ctx, func(ctx context.Context) error {
		if err := s.transfers.Acquire(ctx, 1); err != nil {
			return determinate(err)
		}
		defer s.transfers.Release(1)
		return perform(ctx)
	})
}

// each calls do with the numbers below n, as many at once as there are transfers. It
// returns the first error.
func (s *Store) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	workers := min(n, s.options.TransfersMax)
	group := s.rt.NewGroup(ctx)
	for w := range workers {
		group.Go("transfer", func(ctx context.Context) error {
			for i := w; i < n; i += workers {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// finished is the result of the first of two readings to finish. It is an error because that
// is what ends a group.
type finished struct {
	found *object
	err   error
}

// Error implements error.
func (f *finished) Error() string { return "finished" }

// hedged reads, and once more if that takes too long; see [Options].HedgeAfter.
func (s *Store) hedged(
	ctx context.Context, read func(ctx context.Context) (*object, error),
) (*object, error) {
	if s.options.HedgeAfter == 0 {
		return read(ctx)
	}
	group := s.rt.NewGroup(ctx)
	group.Go("reading", func(ctx context.Context) error {
		found, err := read(ctx)
		return &finished{found, err}
	})
	group.Go("hedge", func(ctx context.Context) error {
		if s.rt.Sleep(ctx, s.options.HedgeAfter) != nil || !s.transfers.TryAcquire(1) {
			return nil
		}
		defer s.transfers.Release(1)
		found, err := read(ctx)
		return &finished{found, err}
	})
	result, _ := group.Wait().(*finished) // the reading always returns one
	return result.found, result.err
}
