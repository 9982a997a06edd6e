package persist

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// verify checks a version before it is committed, if the configuration says so.
// What it finds is a bug of the engine, so it asserts; the error keeps the
// version from being committed.
func (c *Client) verify(base *state.State, t *state.Transition, data []byte) error {
	if !c.config().SelfCheck {
		return nil
	}
	err := verifyTransition(base, t, data)
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
