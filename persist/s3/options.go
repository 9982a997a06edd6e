package s3

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
)

// Options configure a [Store]. The zero value is good.
type Options struct {
	// Limits say how long things may take.
	Limits Limits
	// PartSize is the size in bytes from which an object is written and read in
	// parts, and of each of them: 5 MiB to 1 GiB; 0 is 8 MiB.
	PartSize int
	// TransfersMax is how many requests of the blobs carry data at once; others wait
	// for their turn. 0 is 16.
	TransfersMax int
	// HedgeAfter is how long a reading may go without its first byte before the same is
	// asked a second time, if one of the transfers is free; the first to finish counts.
	// 0 is never.
	HedgeAfter time.Duration
	// KMSKey is the id, alias or ARN of the key that objects are to be encrypted with
	// (SSE-KMS), such as alias/aws/s3. If it is empty the bucket decides.
	KMSKey string
	// BucketOwner is the account that has to own the bucket, in every request. If it is
	// empty any may.
	BucketOwner string
	// Probe says how thoroughly Open makes sure of the store.
	Probe Probe
	// ReadOnly opens a store that exists, for looking at it: nothing is written, not
	// even by a probe, and every call that would change something fails with an error
	// that wraps [persist.ErrUsage].
	ReadOnly bool
}

// Limits are how long things may take. They are in the time of the runtime.
type Limits struct {
	// FirstByte is how long a store may take to begin its answer; 0 is 10 s.
	FirstByte time.Duration
	// Attempt is how long one request may take; 0 is 90 s. Small ones have less: the
	// time for the first byte, and that for their data at 256 KiB/s.
	Attempt time.Duration
	// Operation is how long requests for the same are sent again: from then on the
	// next failure is final. 0 is 180 s. Each part of a large object has as long.
	Operation time.Duration
}

// Probe is how thoroughly [Open] makes sure that a store keeps what conditional writes
// promise. Where there is no store yet, everything is probed before it is created.
type Probe int

// The probes.
const (
	// ProbeEach sends one request of each kind, and so finds a store, or something
	// on the way there, that ignores conditions.
	ProbeEach Probe = iota
	// ProbeRaces lets requests race as well, and so finds a store that checks first and
	// then acts.
	ProbeRaces
	// ProbeNone trusts whoever created the store.
	ProbeNone
)

const (
	partSizeDefault = 8 << 20
	partSizeMin     = 5 << 20 // of S3, but for the last part
	partSizeMax     = 1 << 30
	partsMax        = 10_000 // of S3
	// bytesPerSecondMin is what a connection has to do not to be given up.
	bytesPerSecondMin = 256 << 10
)

// Validate returns an error that wraps [persist.ErrUsage] if an option makes no sense.
func (o Options) Validate() error {
	limits := o.Limits
	switch {
	case limits.FirstByte < 0 || limits.Attempt < 0 || limits.Operation < 0 || o.HedgeAfter < 0:
		return fmt.Errorf("s3: a time below zero: %w", persist.ErrUsage)
	case o.PartSize != 0 && (o.PartSize < partSizeMin || o.PartSize > partSizeMax):
		return fmt.Errorf("s3: parts of %d bytes, %d to %d are possible: %w",
			o.PartSize, partSizeMin, partSizeMax, persist.ErrUsage)
	case o.TransfersMax < 0:
		return fmt.Errorf("s3: %d transfers at once: %w", o.TransfersMax, persist.ErrUsage)
	case o.Probe < ProbeEach || o.Probe > ProbeNone:
		return fmt.Errorf("s3: there is no probe %d: %w", o.Probe, persist.ErrUsage)
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.Limits.FirstByte = cmp.Or(o.Limits.FirstByte, 10*time.Second)
	o.Limits.Attempt = cmp.Or(o.Limits.Attempt, 90*time.Second)
	o.Limits.Operation = cmp.Or(o.Limits.Operation, 180*time.Second)
	o.PartSize = cmp.Or(o.PartSize, partSizeDefault)
	o.TransfersMax = cmp.Or(o.TransfersMax, 16)
	return o
}

// attempt returns how long a request with so many bytes may take.
func (l Limits) attempt(size int) time.Duration {
	data := time.Duration(size/bytesPerSecondMin) * time.Second
	return min(l.Attempt, l.FirstByte+data)
}
