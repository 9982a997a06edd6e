package file

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
)

// keySizeMax is the longest key in bytes: as on S3.
const keySizeMax = 1024

// nameSizeMax is how many bytes of a key become one name, of at most three times
// as many bytes and an ending.
const nameSizeMax = 64

// The endings of names say what stands below: so an object may be called as the
// directory of others, and foreign files are none of ours.
const (
	objectEnding    = ".blob" // the key ends here
	directoryEnding = ".d"    // a slash follows
	moreEnding      = ".more" // the rest of a long part of the key follows
)

func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("an empty key: %w", persist.ErrUsage)
	case len(key) > keySizeMax:
		return fmt.Errorf("a key of %d bytes, at most %d are possible: %w", len(key), keySizeMax, persist.ErrUsage)
	}
	return nil
}

// pathOf returns the path of the object of a key below the root. Different keys
// have different paths, also where letters that differ in case are the same.
func pathOf(root, key string) string {
	names := []string{root}
	for {
		part, rest, isDirectory := strings.Cut(key, "/")
		for len(part) > nameSizeMax {
			names = append(names, escape(part[:nameSizeMax])+moreEnding)
			part = part[nameSizeMax:]
		}
		if !isDirectory {
			return filepath.Join(append(names, escape(part)+objectEnding)...)
		}
		names = append(names, escape(part)+directoryEnding)
		key = rest
	}
}

// keyPart is the inverse of pathOf for one name: what it adds to a key, and
// whether more follows below. A foreign name is not ok.
func keyPart(name string) (part string, isObject, ok bool) {
	for _, ending := range []string{objectEnding, directoryEnding, moreEnding} {
		escaped, found := strings.CutSuffix(name, ending)
		if !found {
			continue
		}
		if part, ok = unescape(escaped); !ok {
			return "", false, false
		}
		if ending == directoryEnding {
			part += "/"
		}
		return part, ending == objectEnding, true
	}
	return "", false, false
}

const hexadecimal = "0123456789abcdef"

// isPlain reports that a byte stands for itself in a name. Dots do not, which
// makes endings unambiguous.
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func escape(part string) string {
	var name strings.Builder
	for i := range len(part) {
		if c := part[i]; isPlain(c) {
			name.WriteByte(c)
		} else {
			name.Write([]byte{'%', hexadecimal[c>>4], hexadecimal[c&15]})
		}
	}
	return name.String()
}

func unescape(name string) (part string, ok bool) {
	var bytes []byte
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			high, low := strings.IndexByte(hexadecimal, name[i+1]), strings.IndexByte(hexadecimal, name[i+2])
			c = byte(high<<4 | low)
			i += 2
		}
		bytes = append(bytes, c)
	}
	return string(bytes), escape(string(bytes)) == name
}
