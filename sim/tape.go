package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// Tape is the record of every choice of a run with more than one option.
// Together with the scenario and its seed it repeats the run exactly.
type Tape struct {
	// Scenario and Seed name the run. The seed is also that of the streams of
	// runtime.Rand, which are no choices.
	Scenario string
	Seed     uint64
	// Hash is the hash of the whole run.
	Hash uint64
	// Choices are pairs of unsigned varints: the number of options, and the
	// one that was picked.
	Choices []byte
}

// ErrTape is wrapped by every error about a tape that cannot be used.
var ErrTape = errors.New("sim: tape")

const (
	tapeMagic    = "TIDETAPE"
	tapeVersion  = 1
	tapeSizeMax  = 1 << 30
	tapeNameSize = 1 << 10
)

// SetScenario names the scenario that the tape belongs to. A nil tape stays nil.
func (t *Tape) SetScenario(name string) {
	if t != nil {
		t.Scenario = name
	}
}

// Len returns the number of choices.
func (t *Tape) Len() int {
	n := 0
	for _, b := range t.Choices {
		if b < 0x80 {
			n++
		}
	}
	return n / 2
}

// MarshalBinary returns the tape as a file: magic, version, fields, and a
// CRC-32C of all of it.
func (t *Tape) MarshalBinary() ([]byte, error) {
	if len(t.Scenario) > tapeNameSize {
		return nil, fmt.Errorf("%w: scenario name of %d bytes", ErrTape, len(t.Scenario))
	}
	b := []byte(tapeMagic)
	b = binary.AppendUvarint(b, tapeVersion)
	b = binary.AppendUvarint(b, uint64(len(t.Scenario)))
	b = append(b, t.Scenario...)
	b = binary.BigEndian.AppendUint64(b, t.Seed)
	b = binary.BigEndian.AppendUint64(b, t.Hash)
	b = binary.AppendUvarint(b, uint64(len(t.Choices)))
	b = append(b, t.Choices...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// UnmarshalBinary reads a file written by MarshalBinary. Anything else is an
// ErrTape, and leaves the tape as it was.
func (t *Tape) UnmarshalBinary(data []byte) error {
	if len(data) < len(tapeMagic) || string(data[:len(tapeMagic)]) != tapeMagic {
		return fmt.Errorf("%w: not a tape", ErrTape)
	}
	if len(data) < len(tapeMagic)+5 {
		return fmt.Errorf("%w: truncated", ErrTape)
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	r := tapeReader{rest: body[len(tapeMagic):]}
	if version := r.uvarint(); r.err == nil && version != tapeVersion {
		return fmt.Errorf("%w: version %d, this program reads version %d", ErrTape, version, tapeVersion)
	}
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: damaged, the checksum does not match", ErrTape)
	}
	next := Tape{Scenario: string(r.bytes(tapeNameSize)), Seed: r.uint64(), Hash: r.uint64()}
	next.Choices = bytes.Clone(r.bytes(tapeSizeMax))
	for rest := next.Choices; r.err == nil && len(rest) > 0; {
		var ok bool
		if _, _, rest, ok = choice(rest); !ok {
			r.err = fmt.Errorf("%w: damaged, a choice out of its range", ErrTape)
		}
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: %d bytes behind its end", ErrTape, len(r.rest))
	}
	if r.err != nil {
		return r.err
	}
	*t = next
	return nil
}

// ReadTape reads a tape from a file.
func ReadTape(path string) (*Tape, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTape, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, tapeSizeMax))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTape, err)
	}
	t := &Tape{}
	if err := t.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// tapeReader takes fields off the front; the first error stays.
type tapeReader struct {
	rest []byte
	err  error
}

func (r *tapeReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *tapeReader) uint64() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

func (r *tapeReader) bytes(limit uint64) []byte {
	n := r.uvarint()
	if n > limit || n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *tapeReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w: truncated", ErrTape)
	}
	r.rest = nil
}

// choice takes the first choice off an encoded list. It is false at the end,
// and where the list is damaged.
func choice(list []byte) (n, picked uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(list)
	if size <= 0 {
		return 0, 0, nil, false
	}
	picked, size2 := binary.Uvarint(list[size:])
	if size2 <= 0 || n < 2 || picked >= n {
		return 0, 0, nil, false
	}
	return n, picked, list[size+size2:], true
}

// replay is the strategy that follows a tape strictly, or up to a step.
type replay struct {
	rest     []byte
	position int
	diverged func(message string) // ends the run
	kernel   *kernel
	until    uint64   // the step at which it is left; 0 never
	then     Strategy // what makes the choices from there on
}

func (r *replay) Pick(d *Decision) int {
	if r.isLeft() {
		return r.then.Pick(d)
	}
	return r.next(d.n, "tasks and alarms")
}

func (r *replay) Draw(stream, site string, n int) int {
	if r.isLeft() {
		return r.then.Draw(stream, site, n)
	}
	return r.next(n, stream+" "+site)
}

func (r *replay) isLeft() bool { return r.until != 0 && r.kernel.steps >= r.until }

// next returns the choice on the tape. If there is none that fits it ends the
// run and returns -1.
func (r *replay) next(n int, what string) int {
	recorded, picked, rest, ok := choice(r.rest)
	switch {
	case len(r.rest) == 0:
		r.diverged(fmt.Sprintf("the tape ends after %d choices, the run goes on with one among %d (%s)",
			r.position, n, what))
		return -1
	case !ok:
		r.diverged(fmt.Sprintf("choice %d on the tape is damaged", r.position))
		return -1
	case recorded != uint64(n):
		r.diverged(fmt.Sprintf("choice %d is among %d (%s), on the tape among %d", r.position, n, what, recorded))
		return -1
	}
	r.rest = rest
	r.position++
	return int(picked)
}
