package file

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// formatVersion is the layout of directories that this program writes, and
// formatVersionMin the oldest that it reads: one whose log has all versions in the buckets
// of their keys.
const (
	formatVersion    = 2
	formatVersionMin = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeFormat returns the content of FORMAT. Its first line, and the checksum of
// all lines before in its last one, are the same in every version, for ever.
func encodeFormat(version uint64, location Location) []byte {
	text := fmt.Appendf(nil, "tidemark-file-store %d\nlocation %v\n", version, location)
	return fmt.Appendf(text, "crc32c %08x\n", crc32.Checksum(text, castagnoli))
}

// readFormat returns what FORMAT says. The error wraps [persist.ErrNotFound] if there is
// no such file.
func readFormat(path string) (location Location, version uint64, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Location{}, 0, fmt.Errorf("%w: %s", persist.ErrNotFound, formatName)
	}
	if err != nil {
		return Location{}, 0, err
	}
	return decodeFormat(data)
}

func decodeFormat(data []byte) (location Location, version uint64, err error) {
	corrupt := &persist.CorruptionError{What: formatName, Reason: "is none of a store, or damaged"}
	const checksumSize = len("crc32c 01234567\n")
	split := len(data) - checksumSize
	if n, err := fmt.Sscanf(string(data), "tidemark-file-store %d\n", &version); n != 1 || err != nil || split < 0 {
		return Location{}, 0, corrupt
	}
	if string(data[split:]) != fmt.Sprintf("crc32c %08x\n", crc32.Checksum(data[:split], castagnoli)) {
		return Location{}, 0, corrupt
	}
	if version < formatVersionMin || version > formatVersion {
		return Location{}, 0, &persist.VersionError{Found: version, Oldest: formatVersionMin, Newest: formatVersion}
	}
	_, line, _ := strings.Cut(string(data[:split]), "\n")
	text, _, _ := strings.Cut(strings.TrimPrefix(line, "location "), "\n")
	if decoded, err := hex.DecodeString(text); err == nil {
		copy(location[:], decoded)
	}
	if string(data) != string(encodeFormat(version, location)) {
		return Location{}, 0, corrupt
	}
	return location, version, nil
}

// checkOurs refuses a directory that has something in it, but no store.
func checkOurs(directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	foreign := ""
	for _, entry := range entries {
		switch entry.Name() {
		case formatName:
			return nil
		case lockName, logName, blobsName, temporaryName, "lost+found":
		default:
			foreign = cmp.Or(foreign, entry.Name())
		}
	}
	if foreign != "" {
		return &DirectoryError{Directory: directory, Reason: fmt.Sprintf("has no store in it, but has %q", foreign)}
	}
	return nil
}

// create makes an empty store in a locked directory, or completes what a process
// has left that died while it did. FORMAT comes last.
func (s *Store) create(ctx context.Context, rt *runtime.Runtime) (Location, error) {
	random := rt.Rand(fmt.Sprintf("file location %d", rt.Serial("file location")))
	var location Location
	binary.BigEndian.PutUint64(location[:8], random.Uint64())
	binary.BigEndian.PutUint64(location[8:], random.Uint64())
	if err := s.checkUnused(ctx, rt); err != nil {
		return location, err
	}
	for _, name := range []string{blobsName, temporaryName} {
		if err := makeDirectory(s.path(name)); err != nil {
			return location, err
		}
	}
	log := filepath.Join(s.path(temporaryName), logName)
	if err := createLog(log); err != nil {
		return location, err
	}
	if err := replace(log, s.path(logName)); err != nil {
		return location, err
	}
	return location, s.writeFormat(location)
}

// writeFormat makes the directory one of the newest layout.
func (s *Store) writeFormat(location Location) error {
	format := filepath.Join(s.path(temporaryName), formatName)
	if err := writeFile(format, encodeFormat(formatVersion, location)); err != nil {
		return err
	}
	return replace(format, s.path(formatName))
}

// checkUnused refuses to make a store where one has lost its FORMAT.
func (s *Store) checkUnused(ctx context.Context, rt *runtime.Runtime) error {
	missing := &persist.CorruptionError{What: formatName, Reason: "is missing"}
	if entries, err := os.ReadDir(s.path(blobsName)); err == nil && len(entries) > 0 {
		return missing
	}
	if _, err := os.Stat(s.path(logName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	log, err := s.openLog(rt)
	if err != nil {
		return err
	}
	keys, err := log.keys(ctx)
	if err == nil && len(keys) > 0 {
		err = missing
	}
	return errors.Join(err, log.close())
}

// checkParts refuses a store of which something is missing.
func (s *Store) checkParts() error {
	for _, name := range []string{blobsName, logName} {
		if _, err := os.Stat(s.path(name)); errors.Is(err, fs.ErrNotExist) {
			return &persist.CorruptionError{What: name, Reason: "is missing"}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// clean removes the temporary files of dead processes.
func (s *Store) clean() error {
	if err := makeDirectory(s.path(temporaryName)); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.path(temporaryName))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.Remove(filepath.Join(s.path(temporaryName), entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
