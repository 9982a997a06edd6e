package s3

import (
	"fmt"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
)

// The names of what is below the prefix of a store.
const (
	formatName     = "FORMAT"
	blobsName      = "blobs/"
	headsName      = "heads/"
	segmentsName   = "segments/"
	probesName     = "probes/"
	keyEnd         = "!"  // ends each key, see [checkKey]
	nameSizeMax    = 1024 // of S3
	segmentSizeMax = 64   // what comes after a key
)

// checkKey returns an error that wraps [persist.ErrUsage] for what can be no key: one that is
// empty or long, or has other bytes than letters, digits, '-', '_', '.' and '/', or an
// empty part between slashes, or one of only dots. There are stores, and programs, that
// have trouble with each of these.
//
// In names of objects the key is followed by '!', which comes before all of these. So names are in the
// order of the keys, a name begins with a prefix if the key does, and none is the directory of
// another, which a store on a file system could not keep.
func checkKey(prefix, key string) error {
	if key == "" {
		return fmt.Errorf("an empty key: %w", persist.ErrUsage)
	}
	if sizeMax := nameSizeMax - len(prefix) - segmentSizeMax; len(key) > sizeMax {
		return fmt.Errorf("a key of %d bytes, at most %d are possible: %w", len(key), sizeMax, persist.ErrUsage)
	}
	if !isPlain(key) {
		return fmt.Errorf("the key %q has something in it that is not possible: %w", key, persist.ErrUsage)
	}
	return nil
}

// isPlain reports whether a text is what S3 stores agree upon.
func isPlain(text string) bool {
	for _, part := range strings.Split(text, "/") {
		if strings.Trim(part, ".") == "" || len(part) > 200 {
			return false
		}
	}
	return strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./", r)
	}) < 0
}

// checkLocation returns the prefix with a slash at its end, if it is not empty.
func checkLocation(bucket, prefix string) (string, error) {
	prefix = strings.TrimSuffix(prefix, "/")
	const prefixSizeMax = 512
	switch {
	case bucket == "":
		return "", fmt.Errorf("s3: no bucket: %w", persist.ErrUsage)
	case prefix == "":
		return "", nil
	case !isPlain(prefix) || len(prefix) > prefixSizeMax:
		return "", fmt.Errorf("s3: the prefix %q is not possible: %w", prefix, persist.ErrUsage)
	}
	return prefix + "/", nil
}

// keyOf returns the key in the name of an object below a folder, and false if that is the
// name of something else.
func keyOf(name, folder string) (key string, ok bool) {
	key, isBelow := strings.CutPrefix(name, folder)
	key, isWhole := strings.CutSuffix(key, keyEnd)
	return key, isBelow && isWhole && isPlain(key)
}
