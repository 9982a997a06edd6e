package file

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Consensus implements [persist.Consensus] on a [Store], with one database for all
// keys.
type Consensus struct {
	store *Store
	rt    *runtime.Runtime
}

var _ persist.Consensus = (*Consensus)(nil)

// view calls f in a transaction that sees what is durable.
func (c *Consensus) view(ctx context.Context, f func(tx *bbolt.Tx) error) error {
	done, err := c.store.use(ctx, c.rt)
	if err != nil {
		return err
	}
	defer done()
	return c.store.log.view(ctx, f)
}

func (c *Consensus) submit(ctx context.Context, w *write) error {
	done, err := c.store.useToChange(ctx, c.rt)
	if err != nil {
		return err
	}
	defer done()
	return c.store.log.submit(ctx, w)
}

// Head implements [persist.Consensus].
func (c *Consensus) Head(ctx context.Context, key string) (head persist.Versioned, found bool, err error) {
	err = c.view(ctx, func(tx *bbolt.Tx) (err error) {
		if k, v := versionsOf(tx, key).last(); k != nil {
			found = true
			head, err = unseal(key, k, v)
		}
		return err
	})
	if err != nil {
		return persist.Versioned{}, false, fmt.Errorf("file: head of %s: %w", key, err)
	}
	return head, found, nil
}

// CompareAndSet implements [persist.Consensus]. When it returns true the version is
// durable. Calls that come while another one is under way are committed together. A
// disk that is full gives an error that wraps [persist.ErrDeterminate].
func (c *Consensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (committed bool, err error) {
	if err := checkKey(key); err != nil {
		return false, fmt.Errorf("file: compare-and-set: %w", err)
	}
	switch {
	case next.SeqNo != expected+1 || next.SeqNo > persist.SeqNoMax:
		return false, fmt.Errorf("file: compare-and-set %s from %v to %v: %w", key, expected, next.SeqNo, persist.ErrUsage)
	case len(next.Data) > c.store.sizeMax:
		return false, fmt.Errorf("file: compare-and-set %s: %w", key,
			&persist.TooLargeError{Size: len(next.Data), SizeMax: c.store.sizeMax})
	}
	k, v := seal(key, next)
	err = c.submit(ctx, &write{size: len(v), apply: func(tx *bbolt.Tx) (bool, error) {
		isNext, err := put(tx, key, expected, k, v)
		committed = isNext
		return isNext, err
	}})
	if err != nil {
		return false, fmt.Errorf("file: compare-and-set %s from %v: %w", key, expected, err)
	}
	return committed, nil
}

// put appends a version if the newest one is expected.
func put(tx *bbolt.Tx, key string, expected persist.SeqNo, k, v []byte) (changed bool, err error) {
	all := versionsOf(tx, key)
	newest, err := all.newest()
	if err != nil || newest != expected {
		return false, err
	}
	if err := all.add(k, v); err != nil {
		return false, determinate(err)
	}
	return true, nil
}

// Scan implements [persist.Consensus].
func (c *Consensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) (found []persist.Versioned, err error) {
	if limit < 1 {
		return nil, fmt.Errorf("file: scan %s with a limit of %d: %w", key, limit, persist.ErrUsage)
	}
	err = c.view(ctx, func(tx *bbolt.Tx) error {
		for k, v := range versionsOf(tx, key).from(from) {
			if len(found) == limit {
				break
			}
			next, err := unseal(key, k, v)
			if err != nil {
				return err
			}
			if n := len(found); n > 0 && next.SeqNo != found[n-1].SeqNo+1 {
				return corruptLog("has a gap after a version %v", found[n-1].SeqNo)
			}
			found = append(found, next)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("file: scan %s: %w", key, err)
	}
	return found, nil
}

// Truncate implements [persist.Consensus]. It is one transaction: a crash leaves
// all versions, or none of those below before.
func (c *Consensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (deleted int, err error) {
	err = c.submit(ctx, &write{apply: func(tx *bbolt.Tx) (bool, error) {
		n, err := truncate(tx, key, before)
		deleted = n
		return n > 0, err
	}})
	if err != nil {
		return 0, fmt.Errorf("file: truncate %s before %v: %w", key, before, err)
	}
	return deleted, nil
}

func truncate(tx *bbolt.Tx, key string, before persist.SeqNo) (deleted int, err error) {
	all := versionsOf(tx, key)
	newest, err := all.newest()
	if err != nil {
		return 0, err
	}
	if newest == 0 || before > newest {
		return 0, fmt.Errorf("beyond the newest version, %v: %w", newest, persist.ErrUsage)
	}
	return all.deleteBefore(before)
}

// ListKeys implements [persist.Consensus]. It visits the keys of one instant.
func (c *Consensus) ListKeys(ctx context.Context, visit func(key string) error) error {
	done, err := c.store.use(ctx, c.rt)
	if err != nil {
		return fmt.Errorf("file: list keys: %w", err)
	}
	keys, err := c.store.log.keys(ctx)
	done() // visit may use the store
	if err != nil {
		return fmt.Errorf("file: list keys: %w", err)
	}
	for _, key := range keys {
		if err := visit(key); err != nil {
			return err
		}
	}
	return nil
}

const (
	seqNoSize    = 8
	checksumSize = 4
)

func seqNoKey(n persist.SeqNo) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// seal returns a version as it is stored: under its number, big-endian, a checksum
// of the key, the number and the data, and the data.
func seal(key string, version persist.Versioned) (k, v []byte) {
	k = seqNoKey(version.SeqNo)
	v = make([]byte, checksumSize, checksumSize+len(version.Data))
	binary.BigEndian.PutUint32(v, checksum(key, k, version.Data))
	return k, append(v, version.Data...)
}

// unseal is the inverse of seal; the data is a copy.
func unseal(key string, k, v []byte) (persist.Versioned, error) {
	if len(k) != seqNoSize || len(v) < checksumSize {
		return persist.Versioned{}, corruptLog("has a version that is cut")
	}
	n, data := persist.SeqNo(binary.BigEndian.Uint64(k)), v[checksumSize:]
	if binary.BigEndian.Uint32(v) != checksum(key, k, data) {
		return persist.Versioned{}, corruptLog("version %v of a key has a wrong checksum", n)
	}
	return persist.Versioned{SeqNo: n, Data: append([]byte{}, data...)}, nil
}

func checksum(key string, k, data []byte) uint32 {
	sum := crc32.Checksum([]byte(key), castagnoli)
	return crc32.Update(crc32.Update(sum, castagnoli, k), castagnoli, data)
}
