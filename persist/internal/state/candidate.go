package state

import (
	"errors"
	"math"
	"slices"
)

// Candidate is a next version under construction. Commands run on it one after
// another, each seeing what those before it did, and together become one
// transition. It records the mutations as they are made, so that the cost of a
// transition is that of what it changes.
//
// A Candidate is used by one goroutine, and no more after Finish.
type Candidate struct {
	env     Environment
	base    *State
	next    *State // as if all commands so far were committed; nobody else has it
	diff    *Diff  // from base to next, but for the header
	touched []registrant

	isProposed  bool // whether there is anything to commit, be it an empty version
	hasAppended bool // whether a command has appended
	// hasFinalized says that a command has taken a step towards the end. No rollup is
	// listed in the same version: it would pass for one of the end, after which none follows.
	hasFinalized bool
	// isUpkeep says that there is nothing in it but the results of maintenance. They
	// ask for no more of it: else each would be the reason for the next, and a shard
	// would never come to rest.
	isUpkeep bool
	requests []CompactionRequest
	// hasLostReader says that a command has removed a reader. The since does not
	// move in the same version, so that each version shows by itself that no
	// reader was passed over (P-13).
	hasLostReader bool
}

// registrant is a reader or writer whom a command has dealt with.
type registrant struct {
	kind byte
	id   [16]byte
}

const (
	leasedKind   byte = 'r'
	criticalKind byte = 'c'
	writerKind   byte = 'w'
)

// ErrNextVersion says that a command cannot share a version with the commands
// before it. As a rule one of them was about the same reader or writer: had they
// one version, and its commit no clear outcome, the second could hide from the
// first whether it took effect. The candidate is unchanged; the command is to be
// run on the version after it.
var ErrNextVersion = errors.New("command has to wait for the next version")

// NewCandidate returns a candidate that follows base and as yet changes nothing.
// It returns a [*UsageError] if the environment is impossible or there can be no
// further version.
func NewCandidate(env Environment, base *State) (*Candidate, error) {
	if err := env.validate(); err != nil {
		return nil, err
	}
	if base.SeqNo() >= MaxSeqNo || base.header.WalltimeMS == math.MaxUint64 {
		return nil, misuse(Exhausted, "%v at %d ms is the last", base.SeqNo(), base.header.WalltimeMS)
	}
	env.Config = env.Config.withDefaults()
	next := new(State)
	*next = *base
	next.header.SeqNo++
	next.header.WalltimeMS = max(env.NowMS, base.header.WalltimeMS+1)
	next.header.Hostname = env.Hostname
	return &Candidate{env: env, base: base, next: next, diff: new(Diff)}, nil
}

// Execute runs a command on the candidate. If the command answers without
// proposing anything, or there is an error, it has changed nothing. Errors are
// those of [Evaluate] and [ErrNextVersion].
//
// Once a command has proposed something, those after it see that. Whatever they
// answer, or find wrong, rests on it: their standing is Proposed as well.
func Execute[A any](c *Candidate, command Command[A]) (answer A, standing Standing, err error) {
	if _, isFirst := any(command).(Initialise); !isFirst && c.base.SeqNo() == 0 {
		return answer, Stale, misuse(NotInitialised, "version 0")
	}
	restsOnProposal := c.isProposed
	answer, standing, err = command.run(c)
	if restsOnProposal {
		standing = Proposed
	}
	return answer, standing, err
}

// Finish completes the candidate: it removes those whose lease has run out and
// assigns maintenance. It returns nil if no command has anything to commit, and a
// [*ViolationError] if the commands did what must never be done.
func (c *Candidate) Finish() (*Transition, error) {
	if !c.isProposed {
		return nil, nil
	}
	c.expireLeases()
	maintenance := Maintenance{
		WriteRollup: c.assignRollup(), CollectGarbage: c.assignGC(), Compactions: c.requests,
	}
	c.diff.Header = c.next.header
	c.diff.From = c.base.SeqNo()
	c.diff.LatestRollup = c.next.LatestRollup().Key
	if c.base.IsTombstone() {
		if err := checkTombstoneDiff(c.diff); err != nil {
			return nil, err
		}
	}
	return &Transition{Diff: c.diff, Next: c.next, Maintenance: maintenance}, nil
}

// propose says that the candidate is to be committed, be it without a change: a
// commit is also how a command makes sure that it has seen the latest version.
func (c *Candidate) propose() { c.isProposed, c.isUpkeep = true, false }

// proposeUpkeep is propose for the results of maintenance.
func (c *Candidate) proposeUpkeep() { c.isProposed, c.isUpkeep = true, c.isUpkeep || !c.isProposed }

// touch notes that a command is about a reader or writer.
func (c *Candidate) touch(kind byte, id [16]byte) {
	c.touched = append(c.touched, registrant{kind, id})
}

func (c *Candidate) isTouched(kind byte, id [16]byte) bool {
	return slices.Contains(c.touched, registrant{kind, id})
}

// expireLeases removes the readers and writers whose lease has run out. It looks
// at what the commands have left: a lease that was renewed in this version has
// not run out, whatever the policy says (P-14). The since stays where it is, even
// if the reader that held it back is gone: it moves only when a reader says so.
func (c *Candidate) expireLeases() {
	for id, reader := range c.next.leasedReaders.Shared() {
		if c.env.isExpired(reader.Lease) && !c.isTouched(leasedKind, id) {
			leasedReadersField.put(c, id, nil)
		}
	}
	for id, writer := range c.next.writers.Shared() {
		if c.env.isExpired(writer.Lease) && !c.isTouched(writerKind, id) {
			writersField.put(c, id, nil)
		}
	}
}

// assignRollup reports whether this version comes with the order to write a
// rollup. An end that nothing follows gets a rollup too, so that all before it
// can go: the last version is then the one that lists it.
func (c *Candidate) assignRollup() bool {
	latest, _ := c.next.rollups.Last()
	distance := uint64(c.next.SeqNo() - latest)
	if c.isUpkeep {
		return false
	}
	isActive := c.next.activeRollup.IsActive(c.env.NowMS, c.env.Config.RollupFallbackMS)
	isDue := distance > c.env.Config.RollupThreshold && !isActive
	if c.next.IsTombstone() {
		isDue = distance > 1
	}
	if isDue {
		activeRollupField.set(c, Activity{SeqNo: c.next.SeqNo(), StartedMS: c.env.NowMS})
	}
	return isDue
}

// assignGC returns up to which version garbage is to be collected, 0 if it is not
// to be collected now. It falls to those who append, if there are any: they are
// there regularly, and there are several. A tombstone is cleaned up by whoever
// finalizes it.
func (c *Candidate) assignGC() SeqNo {
	if c.isUpkeep || c.next.IsTombstone() || !c.hasAppended && c.next.writers.Len() > 0 {
		return 0
	}
	config := c.env.Config
	goal := min(c.next.SeqNoSince(), c.next.lastGC+SeqNo(config.GCVersionsMax))
	isDue := goal-c.next.lastGC >= SeqNo(config.GCVersionsMin)
	active := c.next.activeGC
	switch {
	case active.IsActive(c.env.NowMS, config.GCFallbackMS):
		return 0
	case !isDue && active == (Activity{}):
		return 0
	}
	lastGCField.set(c, goal)
	activeGCField.set(c, Activity{SeqNo: goal, StartedMS: c.env.NowMS})
	return goal
}
