package state

// UpgradeVersion makes a format the one of the shard, so that what came with it
// may be used. Programs that do not read it leave the shard alone from then on.
type UpgradeVersion struct {
	Target FormatVersion
}

// run commits unless the shard is beyond the format already, or has come to its
// end. Its answer is the format after the command.
func (u UpgradeVersion) run(c *Candidate) (FormatVersion, Standing, error) {
	version := c.next.header.Version
	if u.Target < OldestFormat || u.Target > CurrentFormat {
		return 0, Final, misuse(UnknownFormat, "%d", u.Target)
	}
	if c.next.IsTombstone() || u.Target < version {
		return version, Final, nil
	}
	c.next.header.Version = u.Target
	c.propose()
	return u.Target, Proposed, nil
}
