package memory

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Backup is a copy of all versions of a store at one moment. Objects are not part of it:
// they never change, and those that were deleted since may be brought back.
type Backup struct {
	logs map[string][]persist.Versioned
}

// Backup returns a copy of the versions.
func (s *Store) Backup() *Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Backup{copyOfLogs(s.logs)}
}

// Rewind makes the versions those of a backup, as an operator does who has lost them.
// What was committed since is gone; every process that has used the store before must
// have ended. [persist.Client.RestoreShard] then brings the objects back.
func (s *Store) Rewind(b *Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = copyOfLogs(b.logs)
}

func copyOfLogs(logs map[string][]persist.Versioned) map[string][]persist.Versioned {
	all := make(map[string][]persist.Versioned, len(logs))
	for _, key := range slices.Sorted(maps.Keys(logs)) {
		for _, v := range logs[key] {
			all[key] = append(all[key], copyOf(v))
		}
	}
	return all
}

// dumpFormat is the version of the format of dumps.
const dumpFormat = 1

// dump is what is stored in a file. Deleted objects are not.
type dump struct {
	Objects []dumpedObject `cbor:"1,keyasint"`
	Logs    []dumpedLog    `cbor:"2,keyasint"`
}

type dumpedObject struct {
	_    struct{} `cbor:",toarray"`
	Key  string
	Data []byte
}

type dumpedLog struct {
	_        struct{} `cbor:",toarray"`
	Key      string
	First    uint64
	Versions [][]byte
}

// Dump writes all objects and versions, those of one moment, for [Load] and for "simrun
// inspect". Equal stores give equal bytes.
func (s *Store) Dump(w io.Writer) error {
	s.mu.Lock()
	var d dump
	for _, key := range slices.Sorted(maps.Keys(s.blob)) {
		d.Objects = append(d.Objects, dumpedObject{Key: key, Data: s.blob[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(s.logs)) {
		log := s.logs[key]
		one := dumpedLog{Key: key, First: uint64(log[0].SeqNo)}
		for _, v := range log {
			one.Versions = append(one.Versions, v.Data)
		}
		d.Logs = append(d.Logs, one)
	}
	body, err := wire.Marshal(&d)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("memory: dump: %w", err)
	}
	record, err := wire.Seal(wire.KindDump, dumpFormat, body)
	if err == nil {
		_, err = w.Write(record)
	}
	if err != nil {
		return fmt.Errorf("memory: dump: %w", err)
	}
	return nil
}

// Load returns the store that was dumped. Its error wraps [persist.ErrCorruption] if the
// bytes are no dump, or are damaged, and is a [*persist.VersionError] if they are one of
// a newer format.
func Load(name string, r io.Reader) (*Store, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("memory: load: %w", err)
	}
	var d dump
	_, body, err := wire.Open(wire.KindDump, data, wire.Versions{Oldest: 1, Newest: dumpFormat})
	if err == nil {
		err = wire.Unmarshal("dump", body, &d)
	}
	if err != nil {
		return nil, fmt.Errorf("memory: load: %w", err)
	}
	s := New(name, Options{})
	for _, o := range d.Objects {
		s.blob[o.Key] = o.Data
	}
	for _, l := range d.Logs {
		if len(l.Versions) == 0 || l.First == 0 || l.First > uint64(persist.SeqNoMax)-uint64(len(l.Versions)) {
			return nil, fmt.Errorf("memory: load: %w", wire.Corrupt("dump", "a log without versions"))
		}
		for i, data := range l.Versions {
			s.logs[l.Key] = append(s.logs[l.Key], persist.Versioned{SeqNo: persist.SeqNo(l.First + uint64(i)), Data: data})
		}
	}
	return s, nil
}
