package state

// Initialise makes the first version of a shard. Before it is committed, the
// rollup of that very version, which lists itself, is written under the given
// key: [EncodeRollup] of the transition's Next.
type Initialise struct {
	Shard ShardID
	// Rollup is the key of a rollup of version 1 that nobody else uses.
	Rollup RollupKey
}

// InitialiseAnswer is the answer of [Initialise].
type InitialiseAnswer struct {
	// MayDelete says that the shard exists, and that neither it nor any later
	// version refers to the rollup, which therefore is waste. It is false if that
	// is not certain: an attempt of unknown outcome may well have been the one
	// that made the shard.
	MayDelete bool
}

// run answers without a version of its own if the shard exists. That is final:
// the list of rollups never takes up a first version again.
func (i Initialise) run(c *Candidate) (InitialiseAnswer, Standing, error) {
	n, _, err := i.Rollup.Parse()
	if err != nil {
		return InitialiseAnswer{}, Final, err
	}
	if n != 1 {
		return InitialiseAnswer{}, Final, misuse(InvalidRollup, "%q is not of the first version", i.Rollup)
	}
	if c.base.SeqNo() != 0 {
		first, isListed := c.base.rollups.Get(1)
		isOurs := isListed && first.Key == i.Rollup || c.base.rollupsRemoved >= 1
		return InitialiseAnswer{MayDelete: !isOurs}, Final, nil
	}
	c.next.header.Shard = i.Shard
	c.next.header.Version = c.env.Config.Format
	rollupsField.put(c, 1, &Rollup{Key: i.Rollup})
	c.propose()
	return InitialiseAnswer{}, Proposed, nil
}
