package persist

import "slices"

// Configure changes the settings of a client at work. It applies change to a copy of
// what is in force and, if that is valid, puts it in force as a whole: nobody ever sees
// some old and some new settings in one step. What change sets to zero gets its default.
// If others configure at the same time change may be called more than once, and must not
// use the client. The error wraps [ErrUsage]; then everything is as it was.
//
// Nothing has to be opened again. A setting counts from when it is looked at next:
//
//   - ReaderLease and Hostname for readers, when one is opened: a lease that was agreed
//     on stays as it is.
//   - WriterLease, InlineSizeMax and Hostname for writers, with the next append.
//   - PartSize, StatsSize, StatsColumns, Compression and Encrypter with the next part,
//     also within an append or a merge that has begun.
//   - InlineTotalMax, BatchesMax, CommandsMax and SelfCheck, and what decides when
//     rollups, merges and the collection of garbage are due, with the next commit.
//     Work that was taken on is done, also if CompactionsMax is less by now.
//   - DeletesMax, ScanLimit, RetryMin and RetryMax, PollMin and PollMax with the next
//     operation, or the next wait: one that lasts goes on as it began.
//   - UploadsMax, RunsMax and AuditPercent with the next append, batch or read; in a
//     [BatchBuilder] also PartSize and InlineSizeMax with the next batch.
//   - Format with the next look at a shard.
//   - Hub never: it stays that of [New].
func (c *Client) Configure(change func(*Config)) error {
	for {
		old := c.settings.Load()
		changed := *old
		changed.StatsColumns = slices.Clone(old.StatsColumns) // change may write to it
		change(&changed)
		if err := changed.Validate(); err != nil {
			return err
		}
		changed = changed.withDefaults(c.rt.Node())
		if c.settings.CompareAndSwap(old, &changed) {
			return nil
		}
	}
}

// Config returns the settings in force, with their defaults.
func (c *Client) Config() Config {
	config := *c.config()
	config.StatsColumns = slices.Clone(config.StatsColumns)
	return config
}

// config returns what is in force. It may be something else at the next call: whoever
// relies on two reads being equal reads once.
func (c *Client) config() *Config { return c.settings.Load() }
