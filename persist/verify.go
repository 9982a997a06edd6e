package persist

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// assertSound asserts that an error is not that an invariant does not hold: that is a bug
// of the engine, whatever becomes of the error. The id is that of the invariant.
func (c *Client) assertSound(err error) {
	var broken *state.ViolationError
	if errors.As(err, &broken) {
		c.rt.Always(false, broken.Invariant, "details", broken.Details)
	}
}

// verify checks a version before it is committed, if the configuration says so.
// What it finds is a bug of the engine, so it asserts: what a version or a step has to
// be, and that both survive being stored (P-7). The error keeps the version from being
// committed.
func (c *Client) verify(base *state.State, t *state.Transition, data []byte) error {
	if !c.config().SelfCheck {
		return nil
	}
	err := verifyTransition(base, t, data)
	c.assertSound(err)
	c.rt.Always(err == nil, "P-7", "error", err)
	return err
}

// verifyTransition checks that the next version is valid, that the step to it
// is, and that both survive being stored.
func verifyTransition(base *state.State, t *state.Transition, data []byte) error {
	if err := t.Next.Check(); err != nil {
		return err
	}
	if err := state.CheckTransition(base, t.Next); err != nil {
		return err
	}
	diff, err := state.DecodeDiff(data)
	if err != nil {
		return err
	}
	applied, err := state.Apply(base, diff)
	if err != nil {
		return err
	}
	if !applied.Equal(t.Next) {
		return fmt.Errorf("%w: applying the stored diff gives another version", ErrCorruption)
	}
	if t.Next.SeqNo()%rollupVerified != 0 {
		return nil
	}
	return verifyRollup(t.Next)
}

// rollupVerified is how often the whole version is encoded and decoded, which
// costs as much as there are batches.
const rollupVerified = 16

func verifyRollup(s *state.State) error {
	rollup, err := state.EncodeRollup(s)
	if err != nil {
		return err
	}
	again, err := state.DecodeRollup(rollup)
	if err != nil {
		return err
	}
	if !again.Equal(s) {
		return fmt.Errorf("%w: a stored copy of the version is another one", ErrCorruption)
	}
	return nil
}
