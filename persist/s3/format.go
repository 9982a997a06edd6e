package s3

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
)

// The layouts that this program reads. It writes the newest; there is none before the first.
const (
	formatOldest = 1
	formatNewest = 1
)

// Location is the random name of a store.
type Location [16]byte

// String returns 32 hexadecimal digits.
func (l Location) String() string { return hex.EncodeToString(l[:]) }

// encodeFormat returns the content of FORMAT. Its first line, and the checksum of all lines
// before in its last one, are the same in every version, for ever.
func encodeFormat(version uint64, location Location) []byte {
	text := fmt.Appendf(nil, "tidemark-s3-store %d\nlocation %v\n", version, location)
	return fmt.Appendf(text, "crc32c %08x\n", checksum(text))
}

func decodeFormat(data []byte) (Location, error) {
	corrupt := &persist.CorruptionError{What: formatName, Reason: "is none of a store, or damaged"}
	const checksumSize = len("crc32c 01234567\n")
	split := len(data) - checksumSize
	var version uint64
	if n, err := fmt.Sscanf(string(data), "tidemark-s3-store %d\n", &version); n != 1 || err != nil || split < 0 {
		return Location{}, corrupt
	}
	if string(data[split:]) != fmt.Sprintf("crc32c %08x\n", checksum(data[:split])) {
		return Location{}, corrupt
	}
	if version < formatOldest || version > formatNewest {
		return Location{}, &persist.VersionError{Found: version, Oldest: formatOldest, Newest: formatNewest}
	}
	var location Location
	_, line, _ := strings.Cut(string(data[:split]), "\n")
	text, _, _ := strings.Cut(strings.TrimPrefix(line, "location "), "\n")
	if decoded, err := hex.DecodeString(text); err == nil {
		copy(location[:], decoded)
	}
	if string(data) != string(encodeFormat(version, location)) {
		return Location{}, corrupt
	}
	return location, nil
}

// readFormat returns the location that FORMAT names, and false if there is definitely no
// such object. One that comes damaged is read again.
func (s *Store) readFormat(ctx context.Context) (location Location, found bool, err error) {
	for range readingsMax {
		location, err = s.readFormatOnce(ctx)
		if !errors.Is(err, persist.ErrCorruption) {
			break
		}
	}
	if classOf(err) == absent {
		return Location{}, false, nil
	}
	return location, err == nil, err
}

func (s *Store) readFormatOnce(ctx context.Context) (Location, error) {
	var format *object
	err := s.retries.repeat(ctx, func(ctx context.Context) (err error) {
		format, err = s.get(ctx, s.prefix+formatName, byteRange{}, condition{})
		return err
	})
	if err != nil {
		return Location{}, err
	}
	return decodeFormat(format.body)
}

// checkUnused refuses a prefix that has something in it, but no FORMAT. A process that is
// creating one there now has nothing yet but probes.
func (s *Store) checkUnused(ctx context.Context) error {
	foreign := ""
	err := s.walk(ctx, s.prefix, func(name string, _ int64) error {
		if !strings.HasPrefix(name, s.prefix+probesName) {
			foreign = strings.TrimPrefix(name, s.prefix)
			return errEnough
		}
		return nil
	})
	if err != errEnough {
		return err
	}
	switch folder, _, _ := strings.Cut(foreign, "/"); folder + "/" {
	case formatName + "/": // it has just been created, and is read next
		return nil
	case blobsName, headsName, segmentsName:
		return &persist.CorruptionError{What: formatName, Reason: "is missing"}
	}
	return s.missing(fmt.Sprintf("has no store in it, but has %q", foreign))
}

var errEnough = errors.New("enough was seen")

func (s *Store) missing(reason string) error {
	return &LocationError{Bucket: s.bucket, Prefix: s.prefix, Reason: reason}
}

// createFormat creates the store, unless another process has done so first. Which it was does
// not matter: what is there then is read.
func (s *Store) createFormat(ctx context.Context) (Location, error) {
	format := encodeFormat(formatNewest, Location(s.ids.draw()))
	err := s.retries.repeat(ctx, func(ctx context.Context) error {
		_, err := s.put(ctx, s.prefix+formatName, format, condition{isAbsent: true})
		return err
	})
	if err != nil && classOf(err) != preconditionFailed {
		return Location{}, err
	}
	location, found, err := s.readFormat(ctx)
	if err == nil && !found {
		err = &persist.CorruptionError{What: formatName, Reason: "is gone again"}
	}
	return location, err
}
