package state

import "cmp"

// Environment is all that a command may know besides its arguments and the state.
// It is sampled anew for each attempt: a heartbeat must not be older than the
// attempt that writes it.
type Environment struct {
	// NowMS is the time in milliseconds since the Unix epoch.
	NowMS uint64
	// Hostname says who is asking. It is for people.
	Hostname string
	Config   Config
	// IsExpired decides which leases have run out; nil is [Lease.IsExpired].
	// Whatever it answers, a reader or writer whose entry is lost fails, and
	// nothing wrong is ever read or written.
	IsExpired func(lease Lease, nowMS uint64) bool
}

// nowMSMax is how far a clock may have gone: later times are no times, and one
// that was stored could never be exceeded.
const nowMSMax = 1 << 62

func (e Environment) validate() error {
	if e.NowMS > nowMSMax {
		return misuse(InvalidClock, "%d ms", e.NowMS)
	}
	return checkLabels(e.Hostname)
}

func (e Environment) isExpired(lease Lease) bool {
	if e.IsExpired != nil {
		return e.IsExpired(lease, e.NowMS)
	}
	return lease.IsExpired(e.NowMS)
}

// Config has the parameters of the state machine. The zero value of each is the
// default.
type Config struct {
	// RollupThreshold is how many versions may follow the latest rollup before
	// another one is asked for. Default 128.
	RollupThreshold uint64
	// RollupFallbackMS is after how many milliseconds whoever was asked to write
	// a rollup is taken for dead. Default 5000.
	RollupFallbackMS uint64
}

func (c Config) withDefaults() Config {
	return Config{
		RollupThreshold:  cmp.Or(c.RollupThreshold, 128),
		RollupFallbackMS: cmp.Or(c.RollupFallbackMS, 5_000),
	}
}
