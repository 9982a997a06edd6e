package frontier

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Parse returns the frontier that [Antichain.String] prints as text, "{5}" or
// "{}". Any other text, spaces and leading zeros included, gives an error that
// is [ErrMalformed].
func Parse(text string) (Antichain, error) {
	if text == "{}" {
		return Empty(), nil
	}
	digits := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	t, err := strconv.ParseUint(digits, 10, 64)
	if a := At(t); err == nil && a.String() == text {
		return a, nil
	}
	return Antichain{}, fmt.Errorf("%w: text %q", ErrMalformed, text)
}

// MarshalText returns the text of [Antichain.String]; encoding/json, flags and
// log handlers use it. It never fails.
func (a Antichain) MarshalText() ([]byte, error) {
	return []byte(a.String()), nil
}

// UnmarshalText sets a as [Parse] does. If it fails, a stays as it was.
func (a *Antichain) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// MarshalBinary returns the number of elements in one byte, 0 or 1, then the
// element in eight bytes, little endian. No frontier is encoded as nothing:
// missing bytes must not read as {}. It never fails.
func (a Antichain) MarshalBinary() ([]byte, error) {
	if a.isEmpty {
		return []byte{0}, nil
	}
	return binary.LittleEndian.AppendUint64([]byte{1}, a.time), nil
}

// UnmarshalBinary sets a to what [Antichain.MarshalBinary] encoded. On any other
// input it returns an error that is [ErrMalformed], and a stays as it was.
func (a *Antichain) UnmarshalBinary(data []byte) error {
	switch {
	case len(data) == 1 && data[0] == 0:
		*a = Empty()
	case len(data) == 9 && data[0] == 1:
		*a = At(binary.LittleEndian.Uint64(data[1:]))
	default:
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	return nil
}
