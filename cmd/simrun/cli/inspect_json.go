package cli

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// inspectVersion is that of the JSON of inspect. Fields are added without a new one.
const inspectVersion = 1

// storeJSON is what "inspect URL --format json" prints.
type storeJSON struct {
	V      int       `json:"v"`
	Shards []summary `json:"shards"`
}

// summary is a shard in the list. Frontiers are their elements: {5} is [5], {} is [].
type summary struct {
	Shard    persist.ShardID `json:"shard"`
	State    string          `json:"state"`
	Since    []uint64        `json:"since"`
	Upper    []uint64        `json:"upper"`
	Versions uint64          `json:"versions"`
	Objects  uint64          `json:"objects"`
	Bytes    uint64          `json:"bytes"`
	Missing  int             `json:"missing"`
	Error    string          `json:"error,omitempty"`
}

func describeStore(all []summary) storeJSON {
	return storeJSON{inspectVersion, slices.Concat([]summary{}, all)}
}

func summarise(id persist.ShardID, u persist.Usage, err error) summary {
	s := summary{Shard: id, State: stateOf(u), Missing: len(u.Missing), Since: []uint64{}, Upper: []uint64{}}
	if err != nil {
		s.State, s.Error = "unreadable", err.Error()
		return s
	}
	total := totalOf(u)
	s.Objects, s.Bytes, s.Versions = total.Objects, total.Bytes+u.LogBytes, versionsOf(u)
	if u.Newest.SeqNo > 0 {
		s.Since, s.Upper = times(u.Newest.Since), times(u.Newest.Upper)
	}
	return s
}

// stateOf says in one word where a shard is in its life.
func stateOf(u persist.Usage) string {
	switch {
	case len(u.Missing) > 0:
		return "damaged"
	case u.Newest.SeqNo == 0:
		return "unborn"
	case u.Newest.IsFinalized:
		return "finalized"
	case u.Newest.IsTombstone:
		return "tombstone"
	case u.Newest.Upper.IsEmpty():
		return "closed"
	}
	return "open"
}

func versionsOf(u persist.Usage) uint64 {
	if u.Newest.SeqNo == 0 {
		return 0
	}
	return uint64(u.Newest.SeqNo-u.Earliest) + 1
}

func totalOf(u persist.Usage) (total persist.Tally) {
	for _, t := range []persist.Tally{u.Current, u.Older, u.Unreferenced} {
		total.Objects += t.Objects
		total.Bytes += t.Bytes
	}
	return total
}

func times(a frontier.Antichain) []uint64 { return slices.AppendSeq([]uint64{}, a.Elements()) }

// shardJSON is what "inspect URL SHARD --format json" prints.
type shardJSON struct {
	V int `json:"v"`
	summary
	SeqNo      uint64         `json:"seqno"`
	Earliest   uint64         `json:"earliest"`
	Format     uint64         `json:"format"`
	WalltimeMS uint64         `json:"walltime_ms"`
	Host       string         `json:"host"`
	LogBytes   uint64         `json:"log_bytes"`
	Critical   []criticalJSON `json:"critical"`
	Leased     []leasedJSON   `json:"leased"`
	Writers    []writerJSON   `json:"writers"`
	Batches    []batchJSON    `json:"batches"`
	Rollups    []string       `json:"rollups"`
	Usage      usageJSON      `json:"usage"`
}

type registrantJSON struct {
	ID      string `json:"id"`
	Host    string `json:"host"`
	Purpose string `json:"purpose"`
}

type criticalJSON struct {
	registrantJSON
	Since  []uint64 `json:"since"`
	Opaque string   `json:"opaque"`
}

type leasedJSON struct {
	registrantJSON
	Since []uint64 `json:"since"`
	Hold  uint64   `json:"hold"`
}

type writerJSON struct {
	registrantJSON
	Upper []uint64 `json:"upper"`
}

type batchJSON struct {
	Lower   []uint64 `json:"lower"`
	Upper   []uint64 `json:"upper"`
	Since   []uint64 `json:"since"`
	Updates uint64   `json:"updates"`
	Bytes   uint64   `json:"bytes"`
	Parts   int      `json:"parts"`
}

type tallyJSON struct {
	Objects uint64 `json:"objects"`
	Bytes   uint64 `json:"bytes"`
}

type objectJSON struct {
	Key  string `json:"key"`
	Size uint64 `json:"size"`
}

type usageJSON struct {
	Current      tallyJSON    `json:"current"`
	Older        tallyJSON    `json:"older"`
	Unreferenced tallyJSON    `json:"unreferenced"`
	Orphans      []objectJSON `json:"orphans"`
	Missing      []string     `json:"missing"`
}

func describeShard(id persist.ShardID, u persist.Usage) shardJSON {
	n := u.Newest
	return shardJSON{
		V: inspectVersion, summary: summarise(id, u, nil),
		SeqNo: uint64(n.SeqNo), Earliest: uint64(u.Earliest), Format: n.Format, WalltimeMS: n.WalltimeMS,
		Host: n.Hostname, LogBytes: u.LogBytes,
		Critical: each(n.Critical, func(r persist.InspectedReader) criticalJSON {
			return criticalJSON{registrantJSON{r.ID, r.Host, r.Purpose}, times(r.Since), r.Opaque.String()}
		}),
		Leased: each(n.Leased, func(r persist.InspectedReader) leasedJSON {
			return leasedJSON{registrantJSON{r.ID, r.Host, r.Purpose}, times(r.Since), uint64(r.Hold)}
		}),
		Writers: each(n.Writers, func(w persist.InspectedWriter) writerJSON {
			return writerJSON{registrantJSON{w.ID, w.Host, w.Purpose}, times(w.Upper)}
		}),
		Batches: each(n.Batches, func(b persist.InspectedBatch) batchJSON {
			return batchJSON{times(b.Lower), times(b.Upper), times(b.Since), b.Updates, b.Bytes, b.Parts}
		}),
		Rollups: slices.Concat([]string{}, n.Rollups),
		Usage: usageJSON{
			Current: tallyJSON(u.Current), Older: tallyJSON(u.Older), Unreferenced: tallyJSON(u.Unreferenced),
			Orphans: each(u.Orphans, func(o persist.StoredObject) objectJSON { return objectJSON(o) }),
			Missing: slices.Concat([]string{}, u.Missing),
		},
	}
}

// each converts a list; none becomes [] and not null.
func each[A, B any](all []A, convert func(A) B) []B {
	converted := make([]B, 0, len(all))
	for _, a := range all {
		converted = append(converted, convert(a))
	}
	return converted
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
