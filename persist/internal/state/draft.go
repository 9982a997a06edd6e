package state

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Draft is a batch that has been written and is yet to be appended. Appending
// hands its runs over: they must not be modified any more.
type Draft struct {
	// Shard is the one that it was written for.
	Shard ShardID `cbor:"1,keyasint"`
	// Lower and Upper say that it has all updates there are between them, and no
	// others.
	Lower frontier.Antichain `cbor:"2,keyasint"`
	Upper frontier.Antichain `cbor:"3,keyasint"`
	Runs  []Run              `cbor:"4,keyasint,omitempty"`
	// IsSchemaless says that the rows are under no schema.
	IsSchemaless bool `cbor:"5,keyasint,omitzero"`
	// IsStaged says that its objects are, or will be, of the class of staged parts.
	IsStaged bool `cbor:"6,keyasint,omitzero"`
}

// Length returns the number of updates in all runs.
func (d Draft) Length() (length uint64) {
	for _, run := range d.Runs {
		length += run.Length
	}
	return length
}

// PartKeys returns the keys of all objects.
func (d Draft) PartKeys() (keys []PartKey) {
	for _, run := range d.Runs {
		keys = slices.AppendSeq(keys, run.keys())
	}
	return keys
}

// Rewritten returns the draft with all times read as of a frontier, and with another
// upper: its objects stay as they are. It can only be appended with exactly that
// upper. It returns a [*UsageError] of kind [InvalidRewrite] if the frontier is
// before that of an earlier rewrite, or a time would get beyond the upper.
func (d Draft) Rewritten(to, upper frontier.Antichain) (Draft, error) {
	if !d.Upper.LessEqual(upper) || !to.LessThan(upper) {
		return Draft{}, misuse(InvalidRewrite, "to %v, upper %v after %v", to, upper, d.Upper)
	}
	runs := slices.Clone(d.Runs)
	for i := range runs {
		runs[i].Parts = slices.Clone(runs[i].Parts)
		for j := range runs[i].Parts {
			p := &runs[i].Parts[j]
			if !p.Rewrite.LessEqual(to) {
				return Draft{}, misuse(InvalidRewrite, "to %v, after %v", to, p.Rewrite)
			}
			p.Rewrite = to
		}
	}
	d.Upper, d.Runs = upper, runs
	return d, nil
}

// WithInline returns the draft with one more run, which has the given updates
// within the state. The updates need not be consolidated and are left alone; if
// nothing remains of them there is no run. It returns a [*UsageError] of kind
// [UpdateNotBeyondLower] or [UpdateBeyondUpper] if one lies outside the bounds of
// the draft, and a [*part.OverflowError] if diffs do not add up.
func (d Draft) WithInline(id RunID, schema SchemaID, updates []part.Update) (Draft, error) {
	if err := d.CheckTimes(updates); err != nil {
		return Draft{}, err
	}
	consolidated, err := part.Consolidate(updates)
	if err != nil {
		return Draft{}, err
	}
	if len(consolidated) == 0 {
		return d, nil
	}
	inlined, err := InlinePart(consolidated)
	if err != nil {
		return Draft{}, err
	}
	d.Runs = append(slices.Clip(d.Runs), Run{
		ID: id, Order: ByRow, Schema: schema, Parts: []Part{inlined},
		Length: inlined.Length, EncodedSize: inlined.EncodedSize,
	})
	return d, nil
}

// CheckTimes returns a [*UsageError] of kind [UpdateNotBeyondLower] or
// [UpdateBeyondUpper] if an update lies outside the bounds of the draft.
func (d Draft) CheckTimes(updates []part.Update) error {
	for _, update := range updates {
		if !d.Lower.LessEqualTime(update.Time) {
			return misuse(UpdateNotBeyondLower, "time %d, lower %v", update.Time, d.Lower)
		}
		if d.Upper.LessEqualTime(update.Time) {
			return misuse(UpdateBeyondUpper, "time %d, upper %v", update.Time, d.Upper)
		}
	}
	return nil
}

// InlinePart returns a part that has the given updates, which are consolidated and not
// none, within the state.
func InlinePart(consolidated []part.Update) (Part, error) {
	encoded, err := part.EncodeInline(consolidated)
	if err != nil {
		return Part{}, err
	}
	return Part{
		Inline:      encoded,
		Format:      InlineFormat,
		EncodedSize: uint64(len(encoded)),
		Checksum:    wire.Checksum(encoded),
		Length:      uint64(len(consolidated)),
		DiffsSum:    part.DiffsSum(consolidated),
	}, nil
}
