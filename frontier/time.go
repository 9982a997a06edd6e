package frontier

import "math"

// MaxTime is the last time. It is a time like any other: the frontier {MaxTime}
// still allows it, and only {} lies beyond.
const MaxTime uint64 = math.MaxUint64

// StepForward returns the time after t; ok is false at [MaxTime], which has none.
func StepForward(t uint64) (next uint64, ok bool) {
	return CheckedAdd(t, 1)
}

// StepBack returns the time before t; ok is false at 0, which has none.
func StepBack(t uint64) (previous uint64, ok bool) {
	return CheckedSub(t, 1)
}

// CheckedAdd returns t + duration; ok is false if that lies beyond [MaxTime].
// The sum is 0 then.
func CheckedAdd(t, duration uint64) (sum uint64, ok bool) {
	if duration > MaxTime-t {
		return 0, false
	}
	return t + duration, true
}

// CheckedSub returns t - duration; ok is false if that lies before 0. The
// difference is 0 then.
func CheckedSub(t, duration uint64) (difference uint64, ok bool) {
	if duration > t {
		return 0, false
	}
	return t - duration, true
}

// SaturatingAdd returns t + duration, or [MaxTime] if that lies beyond it.
func SaturatingAdd(t, duration uint64) uint64 {
	if sum, ok := CheckedAdd(t, duration); ok {
		return sum
	}
	return MaxTime
}

// SaturatingSub returns t - duration, or 0 if that lies before it.
func SaturatingSub(t, duration uint64) uint64 {
	difference, _ := CheckedSub(t, duration)
	return difference
}
