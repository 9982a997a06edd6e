package sim

import "slices"

// poll is a function that is asked before each decision until it is true.
type poll struct {
	life *life
	ask  func() bool
}

var timeLimit = Verdict{Kind: Inconclusive, Message: "limit of virtual time reached"}

// housekeeping does what is not needed before every decision.
func (k *kernel) housekeeping() {
	k.askPolls()
	if k.steps < k.limit && (len(k.faults) == 0 || k.faults[0].Step > k.steps) {
		return
	}
	k.passed.add(k.steps, k.hash)
	k.deliverDue()
	switch {
	case k.signal.Load() != 0 && !k.answer(): // also while alarms fire and no task runs
	case k.steps >= k.config.StepsMax:
		k.end(Verdict{Kind: Inconclusive, Message: "step limit reached"})
	case k.now-epoch >= int64(k.config.TimeMax):
		k.end(timeLimit)
	}
	k.setLimit()
}

// deliverDue delivers the planned faults whose time has come: by their step, or as a
// script says.
func (k *kernel) deliverDue() {
	for k.guide != nil {
		i, ok := k.guide.due(k.faults)
		if !ok {
			return
		}
		f := k.faults[i]
		k.faults = slices.Delete(k.faults, i, i+1)
		k.deliver(f)
	}
	for len(k.faults) > 0 && k.faults[0].Step <= k.steps {
		f := k.faults[0]
		k.faults = k.faults[1:]
		k.deliver(f)
	}
}

// askPolls drops the polls that are done, and those of the dead.
func (k *kernel) askPolls() {
	if len(k.polls) == 0 {
		return
	}
	k.polls = slices.DeleteFunc(k.polls, func(p poll) bool {
		done := p.life.frozen
		if !done {
			k.fire(func() {
				isDone := p.ask()
				k.call(func() { done = isDone })
			})
		}
		return done
	})
}

// setLimit computes the next step at which housekeeping has work to do. The
// limit of time is looked at every 256 steps, and whenever the clock is moved.
func (k *kernel) setLimit() {
	k.limit = min(k.steps+256, k.config.StepsMax)
	if k.guide != nil && len(k.faults) > 0 {
		k.limit = k.steps + 1
	} else if len(k.faults) > 0 {
		k.limit = max(k.steps+1, min(k.limit, k.faults[0].Step))
	}
}
