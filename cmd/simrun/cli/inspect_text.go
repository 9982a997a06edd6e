package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
)

// tellStore prints a line for each shard.
func tellStore(out io.Writer, all []summary) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no shards")
		return err
	}
	table := newTable(out)
	fmt.Fprintln(table, "shard\tsince\tupper\tversions\tobjects\tbytes\tstate")
	for _, s := range all {
		if s.Error != "" {
			fmt.Fprintf(table, "%v\t\t\t\t\t\t%s: %s\n", s.Shard, s.State, s.Error)
			continue
		}
		state := s.State
		if s.Missing > 0 {
			state = fmt.Sprintf("%s: %d objects are missing", state, s.Missing)
		}
		fmt.Fprintf(table, "%v\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Shard, braces(s.Since), braces(s.Upper),
			grouped(s.Versions), grouped(s.Objects), grouped(s.Bytes), state)
	}
	return table.Flush()
}

func newTable(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 4, 2, ' ', 0) }

// braces writes the elements of a frontier.
func braces(times []uint64) string {
	var texts []string
	for _, t := range times {
		texts = append(texts, strconv.FormatUint(t, 10))
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// grouped writes a number with commas.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// tellShard prints all about a shard.
func tellShard(out io.Writer, id persist.ShardID, u persist.Usage) error {
	table := newTable(out)
	n := u.Newest
	fmt.Fprintf(table, "shard\t%v\n", id)
	fmt.Fprintf(table, "state\t%s\n", stateOf(u))
	if n.SeqNo > 0 {
		made := time.UnixMilli(int64(min(n.WalltimeMS, 1<<52))).UTC()
		fmt.Fprintf(table, "newest\t%v, made %s%s\n", n.SeqNo, made.Format("2006-01-02 15:04:05.000Z"), by(n.Hostname))
		fmt.Fprintf(table, "format\t%d\n", n.Format)
		fmt.Fprintf(table, "live\t%v to %v: %s, %s bytes of diffs\n", u.Earliest, n.SeqNo,
			count(versionsOf(u), "version"), grouped(u.LogBytes))
		fmt.Fprintf(table, "since\t%v\n", n.Since)
		fmt.Fprintf(table, "upper\t%v\n", n.Upper)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, tell := range []func(io.Writer, persist.Usage) error{
		tellHolds, tellWriters, tellBatches, tellRollups, tellObjects,
	} {
		if err := tell(out, u); err != nil {
			return err
		}
	}
	return nil
}

// section prints a heading, and its lines, whose columns are aligned.
func section(out io.Writer, heading string, lines func(table io.Writer)) error {
	fmt.Fprintf(out, "\n%s\n", heading)
	table := newTable(out)
	lines(table)
	return table.Flush()
}

func tellHolds(out io.Writer, u persist.Usage) error {
	critical, leased := u.Newest.Critical, u.Newest.Leased
	err := section(out, count(uint64(len(critical)), "critical capability"), func(table io.Writer) {
		for _, r := range critical {
			fmt.Fprintf(table, "  %s\tsince %v\t%s\t%v\n", r.ID, r.Since, who(r.Host, r.Purpose), r.Opaque)
		}
	})
	if err != nil {
		return err
	}
	return section(out, count(uint64(len(leased)), "leased reader"), func(table io.Writer) {
		for _, r := range leased {
			fmt.Fprintf(table, "  %s\tsince %v\tholds %v\t%s\n", r.ID, r.Since, r.Hold, who(r.Host, r.Purpose))
		}
	})
}

func tellWriters(out io.Writer, u persist.Usage) error {
	writers := u.Newest.Writers
	return section(out, count(uint64(len(writers)), "writer"), func(table io.Writer) {
		for _, w := range writers {
			fmt.Fprintf(table, "  %s\tupper %v\t%s\n", w.ID, w.Upper, who(w.Host, w.Purpose))
		}
	})
}

func tellBatches(out io.Writer, u persist.Usage) error {
	var sum persist.InspectedBatch
	batches := u.Newest.Batches
	for _, b := range batches {
		sum.Updates, sum.Bytes, sum.Parts = sum.Updates+b.Updates, sum.Bytes+b.Bytes, sum.Parts+b.Parts
	}
	heading := fmt.Sprintf("%s: %s, %s bytes, %s", count(uint64(len(batches)), "batch"),
		count(sum.Updates, "update"), grouped(sum.Bytes), count(uint64(sum.Parts), "part"))
	return section(out, heading, func(table io.Writer) {
		for _, b := range batches {
			fmt.Fprintf(table, "  [%v, %v)\tsince %v\t%s\t%s bytes\t%s\n", b.Lower, b.Upper, b.Since,
				count(b.Updates, "update"), grouped(b.Bytes), count(uint64(b.Parts), "part"))
		}
	})
}

func tellRollups(out io.Writer, u persist.Usage) error {
	rollups := u.Newest.Rollups
	return section(out, count(uint64(len(rollups)), "rollup"), func(table io.Writer) {
		for _, key := range rollups {
			fmt.Fprintf(table, "  %s\n", key)
		}
	})
}

// tellObjects prints the funnel.
func tellObjects(out io.Writer, u persist.Usage) error {
	total := totalOf(u)
	heading := fmt.Sprintf("%s, %s bytes", count(total.Objects, "object"), grouped(total.Bytes))
	err := section(out, heading, func(table io.Writer) {
		for _, line := range []struct {
			use   string
			tally persist.Tally
			note  string
		}{
			{"of the newest version", u.Current, ""},
			{"of older live versions only", u.Older, ""},
			{"of none", u.Unreferenced, "orphans, or about to be linked"},
		} {
			fmt.Fprintf(table, "  %s\t%s\t%s bytes", line.use, grouped(line.tally.Objects), grouped(line.tally.Bytes))
			if line.note != "" && line.tally.Objects > 0 {
				fmt.Fprintf(table, "\t%s", line.note)
			}
			fmt.Fprintln(table)
		}
		fmt.Fprintf(table, "  missing\t%d\n", len(u.Missing))
	})
	if err != nil {
		return err
	}
	for _, o := range u.Orphans {
		fmt.Fprintf(out, "  of none: %s\n", withoutShard(o.Key))
	}
	for _, key := range u.Missing {
		fmt.Fprintf(out, "  missing: %s\n", withoutShard(key))
	}
	return nil
}

// withoutShard cuts from the key of an object what all of a shard begin with.
func withoutShard(key string) string {
	_, rest, _ := strings.Cut(key, "/")
	return rest
}

// who says where a registrant runs, and what for.
func who(host, purpose string) string {
	switch {
	case purpose == "":
		return name(host)
	case host == "":
		return name(purpose)
	}
	return name(purpose) + " at " + name(host)
}

// name quotes a text that would not look like one.
func name(text string) string {
	quoted := strconv.Quote(text)
	if text == "" || len(quoted) != len(text)+2 {
		return quoted
	}
	return text
}

// by tells who made something, if anybody has said so.
func by(hostname string) string {
	if hostname == "" {
		return ""
	}
	return " by " + name(hostname)
}

// count writes a number of things.
func count(n uint64, thing string) string {
	plural := thing + "s"
	switch {
	case n == 1:
		plural = thing
	case strings.HasSuffix(thing, "ch"):
		plural = thing + "es"
	case strings.HasSuffix(thing, "y"):
		plural = strings.TrimSuffix(thing, "y") + "ies"
	}
	return grouped(n) + " " + plural
}
