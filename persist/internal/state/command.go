package state

import "cmp"

// Command is something that can be asked of a shard: a pure function of an
// [Environment] and a [State], with an answer of type A. It runs again, on a
// newer state, each time the version that it led to was not the next one after
// all; so it must not remember anything from one run to the next.
//
// The commands are [Initialise]; for writers [CompareAndAppend] and
// [ExpireWriter]; for readers [RegisterLeasedReader], [HeartbeatLeasedReader],
// [DowngradeLeasedReader], [ExpireLeasedReader], [RegisterCriticalReader],
// [CompareAndDowngradeSince] and [ExpireCriticalReader]; for schemas
// [RegisterSchema] and [EvolveSchema]; for maintenance [ClaimCompactions],
// [GiveBackCompaction], [ApplyCompaction], [AddRollup], [RemoveRollups], [BeginEpoch] and
// [RaiseFence]; and for the shard as a whole [UpgradeVersion] and [Finalize].
type Command[A any] interface {
	// run decides on c.next, which earlier commands may have changed, then makes
	// its own changes there. If it returns an error, or an answer that is not
	// Proposed, it has changed nothing.
	run(c *Candidate) (A, Standing, error)
}

// Standing says what an answer is worth before anything has been committed.
type Standing uint8

const (
	// Proposed answers hold once the transition is committed, as of that version.
	// If it is not, they mean nothing. The same goes for errors.
	Proposed Standing = iota
	// Final answers hold already: no later version could lead to another one.
	Final
	// Stale answers hold for the state that was looked at. Whoever passes one on
	// makes sure first that this was the current version, and asks again if it
	// was not.
	Stale
)

// String returns the name of the standing.
func (s Standing) String() string {
	switch s {
	case Proposed:
		return "proposed"
	case Final:
		return "final"
	case Stale:
		return "stale"
	default:
		return "standing of no meaning"
	}
}

// Evaluation is what a command leads to.
type Evaluation[A any] struct {
	Answer A
	// Standing is that of the answer or, if there was an error, of the error.
	Standing Standing
	// Transition is what has to be committed; nil if Standing is not Proposed.
	Transition *Transition
}

// Transition is a next version that wants to be committed.
type Transition struct {
	// Diff leads from the state that was looked at to Next.
	Diff *Diff
	Next *State
	// Maintenance is for whoever commits the transition. If somebody else
	// commits that version it must be forgotten: the other one got the work.
	Maintenance Maintenance
}

// Maintenance is background work that comes with a version. Nothing goes wrong if
// it is not done, except that later it will be asked for again.
type Maintenance struct {
	// WriteRollup asks for a rollup of this version, or a later one.
	WriteRollup bool
	// CollectGarbage asks for the removal of what no version from this one on
	// refers to. 0 asks for nothing.
	CollectGarbage SeqNo
	// Compactions asks for batches to be merged.
	Compactions []CompactionRequest
}

// Evaluate runs one command on a state. An error is a [*UsageError] or
// [*MalformedError], about the arguments or the environment, or, if the engine
// itself is broken, a [*ViolationError]; in each case there is no transition.
func Evaluate[A any](env Environment, s *State, command Command[A]) (Evaluation[A], error) {
	candidate, err := NewCandidate(env, s)
	if err != nil {
		return Evaluation[A]{Standing: Final}, err
	}
	answer, standing, err := Execute(candidate, command)
	if err != nil {
		return Evaluation[A]{Standing: standing}, err
	}
	transition, err := candidate.Finish()
	if err != nil {
		return Evaluation[A]{Standing: Final}, err
	}
	return Evaluation[A]{Answer: answer, Standing: standing, Transition: transition}, nil
}

// Environment is all that a command may know besides its arguments and the state.
// It is sampled anew for each attempt: a heartbeat must not be older than the
// attempt that writes it.
type Environment struct {
	// NowMS is the time in milliseconds since the Unix epoch.
	NowMS uint64
	// Hostname says who is asking. It is for people.
	Hostname string
	Config   Config
	// GivenBack are the claims that whoever asks has given back, because he cannot merge
	// the batches: he takes on none of those again before the claims would have lapsed.
	GivenBack []Compaction
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
	// Format is that of new shards. Default [CurrentFormat].
	Format FormatVersion
	// RollupThreshold is how many versions may follow the latest rollup before
	// another one is asked for. Default 128.
	RollupThreshold uint64
	// RollupFallbackMS is after how many milliseconds whoever was asked to write
	// a rollup is taken for dead. Default 5000.
	RollupFallbackMS uint64
	// GCVersionsMin is how many versions have to have become unnecessary before
	// garbage is collected. Default 32.
	GCVersionsMin uint64
	// GCVersionsMax is how many versions are removed in one go. Default 128,000.
	GCVersionsMax uint64
	// GCFallbackMS is after how many milliseconds whoever was asked to collect
	// garbage is taken for dead. Default 900,000.
	GCFallbackMS uint64
	// CompactionsMax is how many compactions whoever asks can take on. Default 0:
	// none, and nobody is asked.
	CompactionsMax int
	// CompactionFanout is how many batches of about one size are merged into one.
	// Default 4.
	CompactionFanout int
	// CompactionFallbackMS is after how many milliseconds whoever was asked to
	// merge a window is taken for dead. Default 3,600,000.
	CompactionFallbackMS uint64
	// InlineBytesMax is how many bytes of parts there may be within the state
	// before appends have to write theirs elsewhere. Default 1 MiB.
	InlineBytesMax uint64
	// BatchesMax is how many batches there may be before appends have to wait for
	// compactions. Default 4096.
	BatchesMax int
}

func (c Config) withDefaults() Config {
	return Config{
		Format:               cmp.Or(c.Format, CurrentFormat),
		RollupThreshold:      cmp.Or(c.RollupThreshold, 128),
		RollupFallbackMS:     cmp.Or(c.RollupFallbackMS, 5_000),
		GCVersionsMin:        cmp.Or(c.GCVersionsMin, 32),
		GCVersionsMax:        cmp.Or(c.GCVersionsMax, 128_000),
		GCFallbackMS:         cmp.Or(c.GCFallbackMS, 900_000),
		CompactionsMax:       c.CompactionsMax,
		CompactionFanout:     max(cmp.Or(c.CompactionFanout, 4), 2),
		CompactionFallbackMS: cmp.Or(c.CompactionFallbackMS, 3_600_000),
		InlineBytesMax:       cmp.Or(c.InlineBytesMax, 1<<20),
		BatchesMax:           cmp.Or(c.BatchesMax, 4096),
	}
}
