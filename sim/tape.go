package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// Tape is the record of every choice of a run with more than one option, and of what else
// it takes to repeat the run exactly: its name, its seed, its limits, its plan.
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
	// Failure is the failure that the run ended with, as by [Verdict.FailureID].
	Failure string
	// Revision is that of the program, if somebody has said it.
	Revision string
	// StepsMax, TimeMax, StepCost and LeaksAfter are those of the configuration; 0 for
	// the default.
	StepsMax                      uint64
	TimeMax, StepCost, LeaksAfter time.Duration
	// Plan is that of the configuration; nil if the scenario drew its own.
	Plan *Plan
	// Checkpoints are hashes of the run up to some steps, ascending. They tell where
	// a replay that ends with another hash has left the tape.
	Checkpoints []Checkpoint
	// Externals are what functions outside of the simulation have answered, in the
	// order of the calls.
	Externals []External
}

// Checkpoint is the hash of a run up to a step.
type Checkpoint struct{ Step, Hash uint64 }

// ErrTape is wrapped by every error about a tape that cannot be used.
var ErrTape = errors.New("sim: tape")

const (
	tapeMagic    = "TIDETAPE"
	tapeVersion  = 2
	tapeSizeMax  = 1 << 30
	tapeNameSize = 1 << 10
	tapePlanSize = 1 << 20
)

// SetScenario names the scenario that the tape belongs to. A nil tape stays nil.
func (t *Tape) SetScenario(name string) {
	if t != nil {
		t.Scenario = name
	}
}

// Len returns the number of choices; 0 for no tape.
func (t *Tape) Len() int {
	n := 0
	if t == nil {
		return n
	}
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
	plan := ""
	if t.Plan != nil {
		plan = "#\n" + t.Plan.String() // an empty plan is one, too
	}
	if n := max(len(t.Scenario), len(t.Revision)); n > tapeNameSize || len(plan) > tapePlanSize {
		return nil, fmt.Errorf("%w: names of %d bytes, a plan of %d", ErrTape, n, len(plan))
	}
	if err := validateExternals(t.Externals); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTape, err)
	}
	b := []byte(tapeMagic)
	b = binary.AppendUvarint(b, tapeVersion)
	b = binary.AppendUvarint(b, uint64(len(t.Scenario)))
	b = append(b, t.Scenario...)
	b = binary.BigEndian.AppendUint64(b, t.Seed)
	b = binary.BigEndian.AppendUint64(b, t.Hash)
	for _, field := range [][]byte{
		t.Choices, []byte(t.Failure[:min(len(t.Failure), tapeNameSize)]), []byte(t.Revision), []byte(plan),
	} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	for _, field := range []uint64{t.StepsMax, uint64(t.TimeMax), uint64(t.StepCost), uint64(t.LeaksAfter)} {
		b = binary.AppendUvarint(b, field)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Checkpoints)))
	for _, c := range t.Checkpoints {
		b = binary.BigEndian.AppendUint64(binary.AppendUvarint(b, c.Step), c.Hash)
	}
	b = appendExternals(b, t.Externals)
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
	version := r.uvarint()
	if r.err == nil && version != tapeVersion && version != tapeVersion-1 {
		return fmt.Errorf("%w: version %d, this program reads versions %d and %d", ErrTape, version, tapeVersion-1, tapeVersion)
	}
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: damaged, the checksum does not match", ErrTape)
	}
	next := Tape{Scenario: string(r.bytes(tapeNameSize)), Seed: r.uint64(), Hash: r.uint64()}
	next.Choices = bytes.Clone(r.bytes(tapeSizeMax))
	if version > 1 {
		r.details(&next)
	}
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

// details reads what version 1 did not have.
func (r *tapeReader) details(t *Tape) {
	t.Failure, t.Revision = string(r.bytes(tapeNameSize)), string(r.bytes(tapeNameSize))
	if plan := r.bytes(tapePlanSize); len(plan) > 0 && r.err == nil {
		p, err := ParsePlan(string(plan))
		if err != nil {
			r.err = fmt.Errorf("%w: %w", ErrTape, err)
		}
		t.Plan = &p
	}
	t.StepsMax = r.uvarint()
	for _, d := range []*time.Duration{&t.TimeMax, &t.StepCost, &t.LeaksAfter} {
		*d = time.Duration(r.uvarint())
		if *d < 0 && r.err == nil {
			r.err = fmt.Errorf("%w: damaged, a limit below zero", ErrTape)
		}
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		t.Checkpoints = append(t.Checkpoints, Checkpoint{r.uvarint(), r.uint64()})
	}
	r.externals(t)
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
