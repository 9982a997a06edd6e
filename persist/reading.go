package persist

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// reading says how the parts of a version are read: as rows of which schema, and which
// of them.
type reading struct {
	machine *machine
	state   *state.State // has the batches, and the schemas they are under
	schema  SchemaID
	// written is what the rows are where no state says so, and as what they are read.
	written *rowFormat
	// filter is nil if all updates are wanted. It sees times before since as since, as
	// those do who get the updates.
	filter *Filter
	since  uint64
	// audits draws which of the parts are fetched all the same that the filter leaves
	// out. Nil means none.
	audits *runtime.Rand
}

// conversion returns how the rows of a run are read.
func (r reading) conversion(run state.Run) (conversion, error) {
	if r.written != nil {
		return conversion{from: r.written.schema, to: r.written.schema}, nil
	}
	return r.machine.conversions.between(r.state, run.Schema, r.schema)
}

// isWanted reports whether a part has to be fetched, and whether that is an audit: it is
// certain then that nothing in it is wanted, unless its stats are wrong.
func (r reading) isWanted(p state.Part, c conversion) (isWanted, isAudit bool) {
	if r.filter == nil || r.machine.distrustsStats.Load() || mayMatch(*r.filter, p, c, r.since) {
		return true, false
	}
	isAudit = r.audits != nil && r.audits.IntN(100) < r.machine.client.config().AuditPercent
	return isAudit, isAudit
}

// mayMatch reports whether the filter may hold for an update of a part, as it is read.
// Inlined parts have no stats; there is nothing to be saved.
func mayMatch(filter Filter, p state.Part, c conversion, since uint64) bool {
	if len(p.Stats) == 0 {
		return true
	}
	stats, err := part.DecodeStats(c.from, p.Stats)
	if err != nil {
		return true // damaged, or of a form that is yet to come: anything may be there
	}
	stats = stats.Advanced(p.Rewrite.AdvanceTime(0)).Advanced(since)
	return filter.MayMatch(c.to, stats.ReadAs(c.from, c.to))
}

// choose returns those of the updates for which the filter holds, in place.
func (r reading) choose(updates []Update, schema relation.Schema) (chosen []Update, err error) {
	if r.filter == nil {
		return updates, nil
	}
	var few [16]relation.Value
	chosen = updates[:0]
	for _, u := range updates {
		values, err := schema.DecodeRow(u.Row, few[:0])
		if err != nil {
			return nil, corrupt(err)
		}
		if r.filter.Matches(schema, values, max(u.Time, r.since)) {
			chosen = append(chosen, u)
		}
	}
	return chosen, nil
}

// audit asserts that nothing in a part was wanted (P-24). If something was, nobody knows
// what else is wrong with the stats of this shard: the process trusts none of them from
// then on, and fetches every part.
func (r reading) audit(p state.Part, chosen []Update) {
	isSound := len(chosen) == 0
	r.machine.client.rt.Always(isSound, "P-24", "part", fmt.Sprint(p.Key), "updates left out", len(chosen))
	if !isSound {
		r.machine.distrustsStats.Store(true)
	}
}
