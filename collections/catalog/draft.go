package catalog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
)

// draft implements [Draft] on a copy of what a [Memory] holds.
type draft struct {
	base     *content // as it was when the draft was made
	own      *content // with the changes; nil before the first
	isClosed bool
}

var _ Draft = (*draft)(nil)

// run lets change work on the draft, and closes it.
func (d *draft) run(change func(Draft) error) error {
	defer func() { d.isClosed = true }()
	return change(d)
}

// changed reports whether there is anything to commit.
func (d *draft) changed() bool { return d.own != nil && !d.own.equal(d.base) }

// read returns what the draft holds, to be left as it is.
func (d *draft) read() (*content, error) {
	switch {
	case d.isClosed:
		return nil, ErrDraftClosed
	case d.own != nil:
		return d.own, nil
	}
	return d.base, nil
}

// edit returns what the draft holds, to be changed.
func (d *draft) edit() (*content, error) {
	if d.isClosed {
		return nil, ErrDraftClosed
	}
	if d.own == nil {
		d.own = d.base.clone()
	}
	return d.own, nil
}

// Shards implements [Transaction].
func (d *draft) Shards() (map[GlobalID]persist.ShardID, error) {
	c, err := d.read()
	if err != nil {
		return nil, err
	}
	return maps.Clone(c.shards), nil
}

// InsertShards implements [Transaction].
func (d *draft) InsertShards(shards map[GlobalID]persist.ShardID) error {
	c, err := d.edit()
	if err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(shards), GlobalID.Compare) {
		if !id.IsValid() {
			return fmt.Errorf("catalog: insert a shard for id %v: %w", id, persist.ErrUsage)
		}
		if err := validShards(shards[id]); err != nil {
			return err
		}
		if _, isMapped := c.shards[id]; isMapped {
			return &MappedError{ID: id}
		}
	}
	maps.Copy(c.shards, shards)
	return nil
}

// DeleteShards implements [Transaction].
func (d *draft) DeleteShards(ids ...GlobalID) (map[GlobalID]persist.ShardID, error) {
	c, err := d.edit()
	if err != nil {
		return nil, err
	}
	removed := make(map[GlobalID]persist.ShardID)
	for _, id := range ids {
		if shard, isMapped := c.shards[id]; isMapped {
			removed[id] = shard
			delete(c.shards, id)
			delete(c.descriptions, id)
		}
	}
	return removed, nil
}

// Unfinalized implements [Transaction].
func (d *draft) Unfinalized() ([]persist.ShardID, error) {
	c, err := d.read()
	if err != nil {
		return nil, err
	}
	return c.sortedUnfinalized(), nil
}

// InsertUnfinalized implements [Transaction].
func (d *draft) InsertUnfinalized(shards ...persist.ShardID) error {
	c, err := d.edit()
	if err != nil {
		return err
	}
	if err := validShards(shards...); err != nil {
		return err
	}
	for _, shard := range shards {
		c.unfinalized[shard] = true
	}
	return nil
}

// MarkFinalized implements [Transaction].
func (d *draft) MarkFinalized(shards ...persist.ShardID) error {
	c, err := d.edit()
	if err != nil {
		return err
	}
	for _, shard := range shards {
		delete(c.unfinalized, shard)
	}
	return nil
}

// TxnsShard implements [Transaction].
func (d *draft) TxnsShard() (shard persist.ShardID, isSet bool, err error) {
	c, err := d.read()
	if err != nil {
		return persist.ShardID{}, false, err
	}
	return c.txnsShard, c.hasTxnsShard, nil
}

// SetTxnsShard implements [Transaction].
func (d *draft) SetTxnsShard(shard persist.ShardID) error {
	c, err := d.edit()
	if err != nil {
		return err
	}
	if err := validShards(shard); err != nil {
		return err
	}
	if c.hasTxnsShard {
		return &TxnsShardSetError{Shard: c.txnsShard}
	}
	c.txnsShard, c.hasTxnsShard = shard, true
	return nil
}

// Descriptions implements [Draft].
func (d *draft) Descriptions() ([]Description, error) {
	c, err := d.read()
	if err != nil {
		return nil, err
	}
	return c.sortedDescriptions(), nil
}

// Describe implements [Draft].
func (d *draft) Describe(description Description) error {
	c, err := d.edit()
	if err != nil {
		return err
	}
	if err := description.Validate(); err != nil {
		return err
	}
	if _, isMapped := c.shards[description.ID]; !isMapped {
		return &UnmappedError{ID: description.ID}
	}
	c.descriptions[description.ID] = description.Clone()
	return nil
}

// validShards returns an error if one of the ids names no shard.
func validShards(shards ...persist.ShardID) error {
	if slices.Contains(shards, persist.ShardID{}) {
		return fmt.Errorf("catalog: the zero shard id: %w", persist.ErrUsage)
	}
	return nil
}
