package state

import (
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Debug tells people who a registrant is. The engine does not look at it.
type Debug struct {
	// Host is where it runs.
	Host string `cbor:"1,keyasint"`
	// Purpose is what it is for.
	Purpose string `cbor:"2,keyasint"`
}

// LabelBytesMax is how long host names, purposes and codec names may be, each.
const LabelBytesMax = 255

func checkLabels(labels ...string) error {
	for _, label := range labels {
		if len(label) > LabelBytesMax || !utf8.ValidString(label) {
			return misuse(InvalidLabel, "%.40q, of %d bytes", label, len(label))
		}
	}
	return nil
}

// Lease is the right to remain registered until some time has passed since the
// last sign of life.
type Lease struct {
	// HeartbeatMS is the time of that sign, in milliseconds since the Unix epoch.
	HeartbeatMS uint64 `cbor:"1,keyasint"`
	// DurationMS is how long the right lasts, in milliseconds.
	DurationMS uint64 `cbor:"2,keyasint"`
}

// IsExpired reports whether more time than the lease lasts has passed.
func (l Lease) IsExpired(nowMS uint64) bool {
	return frontier.SaturatingAdd(l.HeartbeatMS, l.DurationMS) < nowMS
}

// Renewed returns the lease with a sign of life at nowMS, for durationMS. A clock
// that has gone back does not shorten it.
func (l Lease) Renewed(nowMS, durationMS uint64) Lease {
	return Lease{HeartbeatMS: max(l.HeartbeatMS, nowMS), DurationMS: durationMS}
}

// String returns the time of the heartbeat and the duration.
func (l Lease) String() string { return fmt.Sprintf("%d+%d ms", l.HeartbeatMS, l.DurationMS) }

// LeasedReader is a capability to read that lasts as long as its lease.
type LeasedReader struct {
	// Hold keeps all objects that this or a later version refers to.
	Hold SeqNo `cbor:"1,keyasint"`
	// Since is the earliest time as of which the reader may read.
	Since frontier.Antichain `cbor:"2,keyasint"`
	Lease Lease              `cbor:"3,keyasint"`
	Debug Debug              `cbor:"4,keyasint"`
}

// Equal reports whether both are the same.
func (r LeasedReader) Equal(other LeasedReader) bool { return r == other }

// String returns all but the debug information.
func (r LeasedReader) String() string {
	return fmt.Sprintf("since %v hold %v lease %v", r.Since, r.Hold, r.Lease)
}

// Opaque is what the owner of a critical reader leaves behind, as a rule its
// epoch: a later owner replaces it, and the earlier one, who still expects its
// own, can do nothing any more.
type Opaque struct {
	// Codec says what the value is. It never changes for a reader.
	Codec string `cbor:"1,keyasint"`
	// Value is compared and replaced, and otherwise not looked at.
	Value [8]byte `cbor:"2,keyasint"`
}

// String returns the codec and the value in hexadecimal.
func (o Opaque) String() string { return o.Codec + ":" + hex.EncodeToString(o.Value[:]) }

// CriticalReader is a capability to read that lasts until it is given up.
type CriticalReader struct {
	// Since is the earliest time as of which the reader may read.
	Since  frontier.Antichain `cbor:"1,keyasint"`
	Opaque Opaque             `cbor:"2,keyasint"`
	Debug  Debug              `cbor:"3,keyasint"`
}

// Equal reports whether both are the same.
func (r CriticalReader) Equal(other CriticalReader) bool { return r == other }

// String returns all but the debug information.
func (r CriticalReader) String() string {
	return fmt.Sprintf("since %v opaque %v", r.Since, r.Opaque)
}

// Writer is what the shard remembers of a writer: the latest append, so that
// repeating it has no effect. It grants nothing: anybody may append.
type Writer struct {
	Lease Lease `cbor:"1,keyasint"`
	// Token is that of the latest committed append.
	Token IdempotencyToken `cbor:"2,keyasint"`
	// Upper is what the latest committed append made the upper.
	Upper frontier.Antichain `cbor:"3,keyasint"`
	Debug Debug              `cbor:"4,keyasint"`
}

// Equal reports whether both are the same.
func (w Writer) Equal(other Writer) bool { return w == other }

// String returns all but the debug information.
func (w Writer) String() string {
	return fmt.Sprintf("upper %v token %v lease %v", w.Upper, w.Token, w.Lease)
}
