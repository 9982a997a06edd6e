package file

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/tidemarkdb/tidemark/persist"
)

// versions are those of one key in a transaction. The earlier ones are in a bucket of the
// key, which is there as soon as there is any version. The newest few, if they are small,
// are in a bucket of all keys: a group of commits writes the pages of that, and not one or
// two for each key, and only every so often those of a key, for several versions at once.
// Which versions are where does not matter to readers.
type versions struct {
	tx     *bbolt.Tx
	key    string
	shared *bbolt.Bucket // of all keys; nil if there is none in this store yet
	// recent are those in it, in their order, until one is written.
	recent []version
}

// version is one as it is stored, see [seal].
type version struct{ number, sealed []byte }

const (
	// recentMax is how many versions of a key are recent. More make the recent ones of all
	// keys so many pages that writing them takes what is spared elsewhere.
	recentMax = 8
	// recentSizeMax is the size in bytes of the largest that may be.
	recentSizeMax = 512
)

// sharedName is longer than any key.
var sharedName = []byte(strings.Repeat("recent ", keySizeMax/7+1))

func versionsOf(tx *bbolt.Tx, key string) versions {
	s := versions{tx: tx, key: key, shared: tx.Bucket(sharedName)}
	if s.shared == nil {
		return s
	}
	s.recent = make([]version, 0, recentMax)
	prefix, cursor := s.sharedKey(nil), s.shared.Cursor()
	for k, v := cursor.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
		s.recent = append(s.recent, version{k[len(prefix):], v})
	}
	return s
}

// sharedKey returns the key of a version in the bucket of all keys: the size of the key
// keeps apart keys of which one begins with the other.
func (s versions) sharedKey(number []byte) []byte {
	prefix := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(s.key)+seqNoSize), uint16(len(s.key)))
	return append(append(prefix, s.key...), number...)
}

// own returns the bucket of the key, or nil if there are no versions.
func (s versions) own() *bbolt.Bucket {
	if checkKey(s.key) != nil {
		return nil
	}
	return s.tx.Bucket([]byte(s.key))
}

// last returns the newest version, with its number, or nil.
func (s versions) last() (number, sealed []byte) {
	if n := len(s.recent); n > 0 {
		return s.recent[n-1].number, s.recent[n-1].sealed
	}
	if own := s.own(); own != nil {
		return own.Cursor().Last()
	}
	return nil, nil
}

// newest returns the number of the newest version, 0 if there is none.
func (s versions) newest() (persist.SeqNo, error) {
	number, _ := s.last()
	switch len(number) {
	case 0:
		return 0, nil
	case seqNoSize:
		return persist.SeqNo(binary.BigEndian.Uint64(number)), nil
	}
	return 0, corruptLog("has a version without a number")
}

// from iterates over the versions from a number on, in their order.
func (s versions) from(first persist.SeqNo) iter.Seq2[[]byte, []byte] {
	return func(yield func(number, sealed []byte) bool) {
		own := s.own()
		if own == nil {
			return
		}
		cursor := own.Cursor()
		for k, v := cursor.Seek(seqNoKey(first)); k != nil; k, v = cursor.Next() {
			if !yield(k, v) {
				return
			}
		}
		for _, v := range s.recent {
			if bytes.Compare(v.number, seqNoKey(first)) >= 0 && !yield(v.number, v.sealed) {
				return
			}
		}
	}
}

// add adds a version behind all others. It is the last call.
func (s versions) add(number, sealed []byte) (err error) {
	if len(s.recent) == 0 && s.own() == nil {
		if _, err = s.tx.CreateBucket([]byte(s.key)); err != nil {
			return err
		}
	}
	if s.shared == nil {
		if s.shared, err = s.tx.CreateBucket(sharedName); err != nil {
			return err
		}
	}
	if len(sealed) <= recentSizeMax && len(s.recent) < recentMax-1 {
		return s.shared.Put(s.sharedKey(number), sealed)
	}
	return s.move(s.own(), version{number, sealed})
}

// move makes the recent versions, and one after them, earlier ones.
func (s versions) move(own *bbolt.Bucket, next version) error {
	own.FillPercent = 1 // versions come in order
	var moved []version // writing moves what the others stand on
	for _, v := range s.recent {
		moved = append(moved, version{slices.Clone(v.number), slices.Clone(v.sealed)})
	}
	for _, v := range moved {
		if err := s.shared.Delete(s.sharedKey(v.number)); err != nil {
			return err
		}
	}
	for _, v := range append(moved, next) {
		if err := own.Put(v.number, v.sealed); err != nil {
			return err
		}
	}
	return nil
}

// deleteBefore deletes the versions with lesser numbers, and returns how many. It is the
// last call.
func (s versions) deleteBefore(first persist.SeqNo) (deleted int, err error) {
	own := s.own()
	if own == nil {
		return 0, nil
	}
	var numbers [][]byte // deleting moves what a cursor stands on
	end, cursor := seqNoKey(first), own.Cursor()
	for k, _ := cursor.First(); k != nil && bytes.Compare(k, end) < 0; k, _ = cursor.Next() {
		numbers = append(numbers, slices.Clone(k))
	}
	for _, number := range numbers {
		if err := own.Delete(number); err != nil {
			return deleted, err
		}
		deleted++
	}
	numbers = nil
	for _, v := range s.recent {
		if bytes.Compare(v.number, end) < 0 {
			numbers = append(numbers, s.sharedKey(v.number))
		}
	}
	for _, key := range numbers {
		if err := s.shared.Delete(key); err != nil {
			return deleted, err
		}
		deleted++
	}
	return deleted, nil
}
