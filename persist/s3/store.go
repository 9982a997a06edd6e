package s3

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Store is a prefix of a bucket. It is safe for concurrent use, by any number of tasks here
// and of processes elsewhere. It has nothing that needs closing: connections are the client's.
type Store struct {
	*sender
	retries   *retrier
	prefix    string // with a slash at its end, or empty
	options   Options
	location  Location
	transfers *runtime.Semaphore // requests of the blobs that carry data
	ids       *ids
	heads     *heads
}

// Open opens the store at a prefix of a bucket, and creates one if there is nothing. The client
// brings the region, the endpoint, the credentials and the connections; how it retries does
// not matter, requests are sent once and sent again by this package where that is safe.
//
// The error is a [*CapabilityError] if the store does not keep what conditional writes promise; a
// [*LocationError] if there is something else at the prefix; a [*persist.VersionError] if a
// newer program has made it; a [*persist.CorruptionError] if its FORMAT is missing or damaged;
// a [*RequestError] if it can not be reached or may not be used; and wraps [persist.ErrUsage]
// if the arguments make no sense. What was there is then as it was.
//
// What Open asks the store is in the documentation of the package.
func Open(
	ctx context.Context, rt *runtime.Runtime, client *s3.Client, bucket, prefix string, options Options,
) (*Store, error) {
	if client == nil {
		return nil, fmt.Errorf("s3: open without a client: %w", persist.ErrUsage)
	}
	if err := options.Validate(); err != nil {
		return nil, err
	}
	prefix, err := checkLocation(bucket, prefix)
	if err != nil {
		return nil, err
	}
	options = options.withDefaults()
	serial := rt.Serial("s3 store")
	jitter := rt.Rand(fmt.Sprintf("s3 jitter %d", serial)).Uint64()
	s := &Store{
		sender:    newSender(rt, client, bucket, options),
		retries:   &retrier{rt: rt, limit: min(options.Limits.Operation, openLimit), jitter: jitter},
		prefix:    prefix,
		options:   options,
		transfers: rt.NewSemaphore(int64(options.TransfersMax)),
		ids:       newIDs(rt, serial),
		heads:     newHeads(rt),
	}
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("s3: open s3://%s/%s: %w", bucket, prefix, err)
	}
	s.retries.limit = options.Limits.Operation
	return s, nil
}

// openLimit is how long requests are sent again while a store is opened: whoever waits for it
// wants to know of a wrong address soon.
const openLimit = 30 * time.Second

func (s *Store) open(ctx context.Context) error {
	if err := notBegun(ctx); err != nil {
		return err
	}
	location, found, err := s.readFormat(ctx)
	switch {
	case err != nil:
		return err
	case found:
		s.location = location
		return s.probe(ctx, s.options.Probe)
	}
	if err := s.checkUnused(ctx); err != nil {
		return err
	}
	if s.options.ReadOnly {
		return s.missing("has no store in it")
	}
	if err := s.probe(ctx, ProbeRaces); err != nil {
		return err
	}
	s.location, err = s.createFormat(ctx)
	return err
}

// Location tells stores apart: it is drawn when one is created.
func (s *Store) Location() Location { return s.location }

// Blob returns the objects of the store.
func (s *Store) Blob() *Blob { return &Blob{s} }

// Consensus returns the versions of the store.
func (s *Store) Consensus() *Consensus { return &Consensus{s} }

// beginToChange returns the error of a call that is not to change anything.
func (s *Store) beginToChange(ctx context.Context) error {
	if s.options.ReadOnly {
		return errReadOnly
	}
	return notBegun(ctx)
}
