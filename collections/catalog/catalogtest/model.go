package catalogtest

import "github.com/anishathalye/porcupine"

// counter is a catalog as [CounterModel] sees it.
type counter struct {
	epoch int64 // the newest one known, 0 if none is
	lost  int   // calls that may have begun one that nobody was told, yet
	count int
}

// CounterModel is a catalog whose mappings are counted, with start of them at the
// beginning. The epochs before the first one in the history do not matter.
func CounterModel(start int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return counter{count: start} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(counter), input.(call), output.(answer)
			switch {
			case in.operation == beginEpoch:
				return s.begin(out)
			case out.fencedBy != 0:
				return s.fence(in, out)
			}
			return s.update(in, out)
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

func (s counter) begin(out answer) (bool, counter) {
	if out.isUnknown { // what it has begun shows when it fences somebody
		s.lost++
		return true, s
	}
	isNewer := out.epoch > s.epoch
	s.epoch = out.epoch
	return isNewer, s
}

// fence lets an update be refused, by the newest epoch or by one that was lost.
func (s counter) fence(in call, out answer) (bool, counter) {
	if s.lost > 0 && out.fencedBy > s.epoch {
		s.epoch = out.fencedBy
		s.lost--
	}
	return out.fencedBy == s.epoch && in.epoch < s.epoch, s
}

func (s counter) update(in call, out answer) (bool, counter) {
	isCurrent := in.epoch == s.epoch
	switch {
	case out.isUnknown && !isCurrent:
		return true, s // it came too late, or never
	case !out.isUnknown && (!isCurrent || out.count != s.count):
		return false, s
	case in.operation == add:
		s.count++
	}
	return true, s
}
