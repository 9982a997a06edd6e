package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// How the races of a probe are run: so many rounds, in each of which so many requests try to
// create an object, and then to replace it. Their bodies are long, and pause on the way: a store
// that checks first and then receives lets several of them win.
const (
	probeRounds   = 4
	probeRacers   = 16
	probeBodySize = 64 << 10
	probePause    = 10 * time.Millisecond
)

// probe makes sure that the store keeps what conditional writes promise. What it writes has
// names that nothing else has, and is deleted.
func (s *Store) probe(ctx context.Context, probe Probe) error {
	if probe == ProbeNone || s.options.ReadOnly {
		return nil
	}
	if err := s.probing(ctx, s.probeEach); err != nil || probe == ProbeEach {
		return err
	}
	for range probeRounds {
		if err := s.probing(ctx, s.probeRaces); err != nil {
			return err
		}
	}
	return nil
}

// probing runs a probe on an object of its own: anew, if one of the answers was unclear.
func (s *Store) probing(ctx context.Context, run func(ctx context.Context, key string) error) error {
	return s.retries.repeat(ctx, func(ctx context.Context) error {
		key := s.prefix + probesName + s.ids.draw().String()
		err := run(ctx, key)
		deleteErr := s.delete(ctx, key)
		if classOf(deleteErr) == refused {
			err = errors.Join(err, deleteErr) // somebody who must not delete would find out late
		}
		return err
	})
}

// The capabilities, as a [CapabilityError] names them.
const (
	createsOnce    = "a write with If-None-Match: * fails with 412 if there is an object"
	replacesTag    = "a write with If-Match and the tag of the object replaces it"
	refusesTag     = "a write with If-Match and another tag fails with 412"
	refusesAbsent  = "a write with If-Match fails with 412 or 404 if there is no object"
	givesTags      = "the tag in the answer to a write is the one that a reading gives"
	changesTags    = "objects with different content have different tags"
	onlyOneCreates = "of writes at the same time with If-None-Match: * only one succeeds"
	onlyOneWins    = "of writes at the same time with the same If-Match only one succeeds"
)

// probeEach sends 6 requests to write, each with a condition, and one to read.
func (s *Store) probeEach(ctx context.Context, key string) error {
	const someTag = `"00000000000000000000000000000000"`
	if _, err := s.put(ctx, key, []byte("onto nothing"), condition{match: someTag}); !isMismatch(err) {
		return unfit(refusesAbsent, err)
	}
	first, err := s.put(ctx, key, []byte("created"), condition{isAbsent: true})
	if err != nil {
		return unfit("a write with If-None-Match: * creates an object", err)
	}
	if _, err := s.put(ctx, key, []byte("created again"), condition{isAbsent: true}); classOf(err) != preconditionFailed {
		return unfit(createsOnce, err)
	}
	if _, err := s.put(ctx, key, []byte("another tag"), condition{match: someTag}); !isMismatch(err) {
		return unfit(refusesTag, err)
	}
	second, err := s.put(ctx, key, []byte("replaced"), condition{match: first})
	if err != nil {
		return unfit(replacesTag, err)
	}
	if second == first || second == "" {
		return &CapabilityError{changesTags, fmt.Sprintf("two have %q", second)}
	}
	if _, err := s.put(ctx, key, []byte("a stale tag"), condition{match: first}); !isMismatch(err) {
		return unfit(refusesTag, err)
	}
	found, err := s.get(ctx, key, byteRange{}, condition{})
	switch {
	case err != nil:
		return err
	case found.tag != second:
		return &CapabilityError{givesTags, fmt.Sprintf("they are %q and %q", second, found.tag)}
	}
	switch string(found.body) {
	case "replaced":
		return nil
	case "onto nothing", "created", "created again", "another tag", "a stale tag":
		return &CapabilityError{refusesTag, fmt.Sprintf("one did that was to be %q", found.body)}
	}
	return s.damage(key)
}

// probeRaces runs a round of races: 32 requests to write, and 3 to read.
func (s *Store) probeRaces(ctx context.Context, key string) error {
	if err := s.race(ctx, key, onlyOneCreates, condition{isAbsent: true}); err != nil {
		return err
	}
	created, err := s.get(ctx, key, byteRange{}, condition{})
	if err != nil {
		return err
	}
	return s.race(ctx, key, onlyOneWins, condition{match: created.tag})
}

// race sends the same write, but for the body, many times at once.
func (s *Store) race(ctx context.Context, key, capability string, on condition) error {
	var bodies [probeRacers][]byte
	var errs [probeRacers]error
	group := s.rt.NewGroup(ctx)
	for i := range errs {
		bodies[i] = s.probeBody()
		group.Go("racer", func(ctx context.Context) error {
			body := &slowReader{ctx: ctx, rt: s.rt, body: bytes.NewReader(bodies[i])}
			_, errs[i] = s.putConditional(ctx, key, body, probeBodySize, on)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	winners := 0
	for _, err := range errs {
		switch classOf(err) {
		case -1:
			winners++
		case refused, expired:
			return err
		}
	}
	if winners == 0 {
		return nobody(capability, errs[:])
	}
	if winners > 1 {
		return &CapabilityError{capability, fmt.Sprintf("%d of %d did", winners, probeRacers)}
	}
	found, err := s.get(ctx, key, byteRange{}, condition{})
	if err != nil {
		return err
	}
	for i, err := range errs {
		switch isIts := bytes.Equal(found.body, bodies[i]); {
		case isIts && err == nil:
			return nil
		case isIts:
			return &CapabilityError{capability, "the object is not the one of the write that did"}
		}
	}
	return s.damage(key)
}

// slowReader pauses in the middle.
type slowReader struct {
	ctx  context.Context
	rt   *runtime.Runtime
	body *bytes.Reader
}

// Read implements [io.Reader].
func (r *slowReader) Read(p []byte) (int, error) {
	switch first := r.body.Len() - probeBodySize/2; {
	case first > 0:
		p = p[:min(first, len(p))]
	case first == 0:
		if err := r.rt.Sleep(r.ctx, probePause); err != nil {
			return 0, err
		}
	}
	return r.body.Read(p)
}

// Seek implements [io.Seeker].
func (r *slowReader) Seek(offset int64, whence int) (int64, error) {
	return r.body.Seek(offset, whence)
}

// nobody returns why no racer has won. If not all of them were told that they have lost, the
// round says nothing, and is repeated.
func nobody(capability string, errs []error) error {
	for _, err := range errs {
		if !isMismatch(err) {
			return err
		}
	}
	return &CapabilityError{capability, "none did"}
}

// probeBody returns what nothing else has: a tag that is a hash comes back with the content.
func (s *Store) probeBody() []byte {
	id := s.ids.draw()
	return bytes.Repeat(id[:], probeBodySize/len(id))
}

// isMismatch reports whether a write was refused because the object has not the tag.
func isMismatch(err error) bool {
	class := classOf(err)
	return class == preconditionFailed || class == absent
}

// unfit returns what is wrong with a store that has given another answer than it should have.
// One that says nothing, or does not let this client ask, is another matter.
func unfit(capability string, err error) error {
	switch {
	case err == nil:
		return &CapabilityError{capability, "it succeeded"}
	case status(err) == http.StatusNotImplemented || isMismatch(err):
		return &CapabilityError{capability, err.Error()}
	}
	return err
}
