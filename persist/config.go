package persist

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Config configures a [Client]. The zero value of each field is its default.
// [Client.Configure] changes it while the client is at work.
type Config struct {
	// Hostname stands with what this process registers, for people. The default
	// is the node's name.
	Hostname string
	// WriterLease is for how long a shard remembers a writer that does not
	// append. An append whose outcome is unclear is given up after half of it.
	// The default is 15 minutes.
	WriterLease time.Duration
	// ReaderLease is for how long a reader is remembered without a sign of life,
	// which it gives four times as often. The default is 15 minutes.
	ReaderLease time.Duration
	// RollupThreshold is how many versions may follow the latest rollup before
	// another one is written. The default is 128.
	RollupThreshold int
	// GCVersionsMin is how many versions have to have become unnecessary before
	// they, and the objects that only they refer to, are removed. The default is 32.
	GCVersionsMin int
	// GCVersionsMax is how many versions are removed in one go. The default is
	// 128,000.
	GCVersionsMax int
	// GCFallback is after how long whoever was to remove them is taken for dead.
	// The default is 15 minutes.
	GCFallback time.Duration
	// DeletesMax is how many objects are deleted at the same time. The default
	// is 32.
	DeletesMax int
	// PartSize is about how many bytes of updates one object has. The default is
	// 8 MiB.
	PartSize int
	// UploadsMax is how many objects of an append, of a batch that is being built or of
	// a compaction are on their way to the store at the same time; more are not kept in
	// memory either. The default is 2.
	UploadsMax int
	// RunsMax is how many runs, each sorted in itself, a batch may have that is built
	// from updates in no order: the builder merges what is more, and has a part of so
	// many of them in memory while it does. The default is 4, and the least 2.
	RunsMax int
	// InlineSizeMax is how many bytes of updates an append or a merged batch has to
	// have to become objects. What is smaller is kept within the metadata. The default
	// is 4 KiB.
	InlineSizeMax int
	// InlineTotalMax is how many such bytes the metadata may have all in all. The
	// default is 1 MiB.
	InlineTotalMax int
	// StatsSize is how many bytes may be kept of each part to tell what can be in it.
	// The default is 1 KiB. StatsColumns are the names of columns of which that is kept
	// in any case; others have what they leave. The default is none.
	StatsSize    int
	StatsColumns []string
	// Compression is that of parts. The default is [Uncompressed]. Whatever it is, any
	// part can be read.
	Compression Compression
	// AuditPercent is how many of a hundred parts that a filter leaves out because of
	// their stats are fetched all the same, to assert that nothing in them is wanted. The
	// default is 1, and a negative number none.
	AuditPercent int
	// CompactionsMax is how many compactions of a shard a process takes on, one after
	// the other. The default is 5, and a negative number none.
	CompactionsMax int
	// CompactionFanout is how many batches of about one size are merged into one. The
	// default is 4.
	CompactionFanout int
	// CompactionFallback is after how long whoever was to merge batches is taken for
	// dead. The default is an hour.
	CompactionFallback time.Duration
	// BatchesMax is how many batches there may be before appends wait for compactions.
	// The default is 4096.
	BatchesMax int
	// CommandsMax is how many commands may share a version. The default is 64.
	CommandsMax int
	// RetryMin and RetryMax bound the pause before an external operation is
	// tried again; it doubles each time. The defaults are 4 ms and 16 s.
	RetryMin, RetryMax time.Duration
	// PollMin and PollMax bound the pause between two looks at a shard by
	// somebody who waits for it. The defaults are 8 ms and 1 s.
	PollMin, PollMax time.Duration
	// ScanLimit is how many versions are read in one go. The default is 3840.
	ScanLimit int
	// Hub carries hints between processes, so that whoever waits for a shard hears of it
	// sooner than by looking. The default is none.
	Hub Hub
	// Encrypter encrypts the rows that this client writes, and decrypts those that it
	// reads. The default is none: rows are stored as they are, and those that are
	// encrypted cannot be read. It needs the third format; older shards are upgraded
	// with [Shard.UpgradeFormat] first.
	Encrypter Encrypter
	// Format is the newest format that the client uses: it makes shards in it and upgrades
	// them to it, and leaves those alone that are of a later one, with a [*VersionError],
	// as a program does that does not know it. The default is the newest that there is.
	// Who may have to go back to an earlier release keeps it at what that one reads.
	Format uint64
	// SelfCheck verifies each version before it is committed: that it is valid,
	// follows from the one before, and survives being stored. It multiplies the
	// cost of a commit, and is for tests and the simulator.
	SelfCheck bool
}

// Compression says how parts are compressed.
type Compression uint8

const (
	// Uncompressed stores values as they are.
	Uncompressed Compression = iota
	// Zstd compresses each page of a part with Zstandard, at its default level. Where the
	// store is far away it saves time, too.
	Zstd
)

// String returns its name.
func (c Compression) String() string {
	switch c {
	case Uncompressed:
		return "uncompressed"
	case Zstd:
		return "zstd"
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

// Validate returns the first thing that is wrong with the configuration. Its
// error wraps [ErrUsage].
func (c Config) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"WriterLease", c.WriterLease},
		{"ReaderLease", c.ReaderLease},
		{"GCFallback", c.GCFallback},
		{"CompactionFallback", c.CompactionFallback},
		{"RetryMin", c.RetryMin},
		{"RetryMax", c.RetryMax},
		{"PollMin", c.PollMin},
		{"PollMax", c.PollMax},
	} {
		if d.value < 0 {
			return fmt.Errorf("persist: configuration: %s of %v: %w", d.name, d.value, ErrUsage)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"RollupThreshold", c.RollupThreshold},
		{"GCVersionsMin", c.GCVersionsMin},
		{"GCVersionsMax", c.GCVersionsMax},
		{"DeletesMax", c.DeletesMax},
		{"PartSize", c.PartSize},
		{"UploadsMax", c.UploadsMax},
		{"RunsMax", c.RunsMax},
		{"InlineSizeMax", c.InlineSizeMax},
		{"InlineTotalMax", c.InlineTotalMax},
		{"StatsSize", c.StatsSize},
		{"CompactionFanout", c.CompactionFanout},
		{"BatchesMax", c.BatchesMax},
		{"CommandsMax", c.CommandsMax},
		{"ScanLimit", c.ScanLimit},
	} {
		if n.value < 0 {
			return fmt.Errorf("persist: configuration: %s of %d: %w", n.name, n.value, ErrUsage)
		}
	}
	d := c.withDefaults("")
	switch format := state.FormatVersion(d.Format); {
	case format < state.OldestFormat || format > state.CurrentFormat:
		return fmt.Errorf("persist: configuration: Format of %d: %w", c.Format, ErrUsage)
	case d.Encrypter != nil && format < state.EncryptionFormat:
		return fmt.Errorf("persist: configuration: an Encrypter with Format %d: %w", c.Format, ErrUsage)
	}
	switch {
	case c.Compression > Zstd:
		return fmt.Errorf("persist: configuration: Compression of %d: %w", c.Compression, ErrUsage)
	case d.WriterLease < time.Millisecond:
		return fmt.Errorf("persist: configuration: WriterLease of %v is below 1 ms: %w", c.WriterLease, ErrUsage)
	case d.ReaderLease < time.Millisecond:
		return fmt.Errorf("persist: configuration: ReaderLease of %v is below 1 ms: %w", c.ReaderLease, ErrUsage)
	case c.AuditPercent > 100:
		return fmt.Errorf("persist: configuration: AuditPercent of %d: %w", c.AuditPercent, ErrUsage)
	case d.RunsMax < 2:
		return fmt.Errorf("persist: configuration: RunsMax of %d is below 2: %w", c.RunsMax, ErrUsage)
	case d.RetryMax < d.RetryMin, d.PollMax < d.PollMin:
		return fmt.Errorf("persist: configuration: a maximum below its minimum: %w", ErrUsage)
	}
	return nil
}

func (c Config) withDefaults(node string) Config {
	return Config{
		Hostname:           cmp.Or(c.Hostname, node),
		WriterLease:        cmp.Or(c.WriterLease, 15*time.Minute),
		ReaderLease:        cmp.Or(c.ReaderLease, 15*time.Minute),
		GCVersionsMin:      cmp.Or(c.GCVersionsMin, 32),
		GCVersionsMax:      cmp.Or(c.GCVersionsMax, 128_000),
		GCFallback:         cmp.Or(c.GCFallback, 15*time.Minute),
		DeletesMax:         cmp.Or(c.DeletesMax, 32),
		PartSize:           cmp.Or(c.PartSize, 8<<20),
		UploadsMax:         cmp.Or(c.UploadsMax, 2),
		RunsMax:            cmp.Or(c.RunsMax, 4),
		InlineSizeMax:      cmp.Or(c.InlineSizeMax, 4<<10),
		InlineTotalMax:     cmp.Or(c.InlineTotalMax, 1<<20),
		StatsSize:          cmp.Or(c.StatsSize, 1<<10),
		StatsColumns:       slices.Clone(c.StatsColumns),
		Compression:        c.Compression,
		AuditPercent:       cmp.Or(c.AuditPercent, 1),
		CompactionsMax:     cmp.Or(c.CompactionsMax, 5),
		CompactionFanout:   cmp.Or(c.CompactionFanout, 4),
		CompactionFallback: cmp.Or(c.CompactionFallback, time.Hour),
		BatchesMax:         cmp.Or(c.BatchesMax, 4096),
		RollupThreshold:    cmp.Or(c.RollupThreshold, 128),
		CommandsMax:        cmp.Or(c.CommandsMax, 64),
		RetryMin:           cmp.Or(c.RetryMin, 4*time.Millisecond),
		RetryMax:           cmp.Or(c.RetryMax, 16*time.Second),
		PollMin:            cmp.Or(c.PollMin, 8*time.Millisecond),
		PollMax:            cmp.Or(c.PollMax, time.Second),
		ScanLimit:          cmp.Or(c.ScanLimit, 3840),
		Hub:                c.Hub,
		Encrypter:          c.Encrypter,
		Format:             cmp.Or(c.Format, uint64(state.CurrentFormat)),
		SelfCheck:          c.SelfCheck,
	}
}

// ofState returns the part of the configuration that commands see.
func (c Config) ofState() state.Config {
	return state.Config{
		Format:               state.FormatVersion(c.Format),
		InlineBytesMax:       uint64(c.InlineTotalMax),
		BatchesMax:           c.BatchesMax,
		CompactionFanout:     c.CompactionFanout,
		CompactionFallbackMS: uint64(c.CompactionFallback.Milliseconds()),
		RollupThreshold:      uint64(c.RollupThreshold),
		GCVersionsMin:        uint64(c.GCVersionsMin),
		GCVersionsMax:        uint64(c.GCVersionsMax),
		GCFallbackMS:         uint64(c.GCFallback.Milliseconds()),
	}
}
