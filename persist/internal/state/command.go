package state

// Command is something that can be asked of a shard: a pure function of an
// [Environment] and a [State], with an answer of type A. It runs again, on a
// newer state, each time the version that it led to was not the next one after
// all; so it must not remember anything from one run to the next.
//
// The commands are [Initialise], [CompareAndAppend], [ExpireWriter],
// [RegisterCriticalReader], [CompareAndDowngradeSince], [ExpireCriticalReader]
// and [AddRollup].
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
