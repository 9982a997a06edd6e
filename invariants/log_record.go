package invariants

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// logMoment is what was known when a call began.
type logMoment struct {
	at        int
	known     persist.SeqNo // the newest version that anybody had been told of
	truncated persist.SeqNo // as acknowledged
}

func (l *Log) begin() logMoment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beginLocked()
}

func (l *Log) beginLocked() logMoment {
	return logMoment{l.tick(), l.newest, l.truncated}
}

func (l *Log) tick() int {
	l.clock++
	return l.clock
}

func (l *Log) beginWrite(expected persist.SeqNo, data string) *logWrite {
	l.mu.Lock()
	defer l.mu.Unlock()
	moment := l.beginLocked()
	w := &logWrite{expected: expected, begun: moment.at, known: moment.known}
	l.writes[data], l.all = w, append(l.all, w)
	return w
}

func (l *Log) endWrite(w *logWrite, committed bool, err error) flaw {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.ended = l.tick()
	switch {
	case err == nil && committed:
		w.isConfirmed = true
		if w.known > w.expected {
			return flaw{"P-3", "the expected version had been passed before the call"}
		}
		found := l.see(w.expected+1, w)
		l.reach(w.expected + 1)
		return found
	case err == nil, errors.Is(err, persist.ErrDeterminate), errors.Is(err, persist.ErrUsage):
		w.isRefused, w.isMismatch = true, err == nil
		if l.versions[w.expected+1] == w {
			return flaw{"P-2", "it was refused, and had its effect before"}
		}
	}
	return flaw{}
}

// see takes note of a write as that of a version.
func (l *Log) see(n persist.SeqNo, w *logWrite) flaw {
	other := l.versions[n]
	switch {
	case w.isRefused:
		return flaw{"P-2", fmt.Sprintf("version %v is a write that was refused", n)}
	case w.expected+1 != n:
		return flaw{"P-3", fmt.Sprintf("version %v is a write behind %v", n, w.expected)}
	case other == w:
		return flaw{}
	case other != nil && (other.isConfirmed || w.isConfirmed):
		return flaw{"P-3", fmt.Sprintf("version %v is two writes, and one of them was confirmed", n)}
	case other != nil:
		return flaw{"P-4", fmt.Sprintf("version %v is two writes", n)}
	case w.known >= n:
		return flaw{"P-3", fmt.Sprintf("version %v was there before it was written", n)}
	}
	l.versions[n] = w
	return flaw{}
}

// reach takes note of it that a version is known to be there.
func (l *Log) reach(n persist.SeqNo) { l.newest = max(l.newest, n) }

func (l *Log) endHead(begun logMoment, head persist.Versioned, found bool) flaw {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	if !found {
		return l.checkEnd(begun, 0)
	}
	if found := l.read(head); found.id != "" {
		return found
	}
	return l.checkEnd(begun, head.SeqNo)
}

// read takes note of a version that somebody has read.
func (l *Log) read(v persist.Versioned) flaw {
	w := l.writes[string(v.Data)]
	if w == nil {
		return flaw{"P-4", fmt.Sprintf("nobody has written version %v", v.SeqNo)}
	}
	found := l.see(v.SeqNo, w)
	l.reach(v.SeqNo)
	return found
}

// checkEnd checks the newest version that a reader has seen.
func (l *Log) checkEnd(begun logMoment, newest persist.SeqNo) flaw {
	l.absent[newest+1] = max(l.absent[newest+1], begun.at)
	switch {
	case newest >= begun.known:
		return flaw{}
	case newest == 0 && l.mayBeTruncated() > 0:
		return flaw{"P-5", fmt.Sprintf("there is nothing, and %v was there before", begun.known)}
	default:
		return flaw{"P-4", fmt.Sprintf("the newest version is %v, and %v was there before", newest, begun.known)}
	}
}

// mayBeTruncated returns up to which version anything may have been truncated.
func (l *Log) mayBeTruncated() (before persist.SeqNo) {
	for _, t := range l.truncations {
		if !t.isRefused {
			before = max(before, t.before)
		}
	}
	return before
}

func (l *Log) endScan(begun logMoment, from persist.SeqNo, limit int, all []persist.Versioned) flaw {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	if len(all) == 0 {
		if begun.known < from {
			return flaw{}
		}
		return l.checkEnd(begun, 0)
	}
	first, last := all[0].SeqNo, all[len(all)-1].SeqNo
	switch {
	case len(all) > limit, first < from:
		return flaw{"P-4", fmt.Sprintf("%d versions from %v on", len(all), first)}
	case first < begun.truncated:
		return flaw{"P-4", fmt.Sprintf("%v was truncated before", first)}
	case first > max(from, l.mayBeTruncated()):
		return flaw{"P-5", fmt.Sprintf("it begins with %v, and nothing was truncated from %v on", first, l.mayBeTruncated())}
	}
	for i, v := range all {
		if v.SeqNo != first+persist.SeqNo(i) {
			return flaw{"P-4", fmt.Sprintf("%v where %v should be", v.SeqNo, first+persist.SeqNo(i))}
		}
		if found := l.read(v); found.id != "" {
			return found
		}
	}
	if len(all) == limit {
		return flaw{} // there may be more
	}
	return l.checkEnd(begun, last)
}

func (l *Log) beginTruncation(before persist.SeqNo) (begun logMoment, t *logTruncation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t = &logTruncation{before: before}
	l.truncations = append(l.truncations, t)
	return l.beginLocked(), t
}

func (l *Log) endTruncation(begun logMoment, t *logTruncation, deleted int, err error) flaw {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	t.isRefused = errors.Is(err, persist.ErrDeterminate) // one of what does not exist yet may be repeated when it does
	switch {
	case errors.Is(err, persist.ErrUsage) && begun.known >= max(t.before, 1):
		return flaw{"P-5", "it was refused, and the version was there"}
	case err != nil:
		return flaw{}
	}
	if most := max(int(t.before)-int(max(begun.truncated, 1)), 0); deleted > most {
		return flaw{"P-5", fmt.Sprintf("there were %d at most", most)}
	}
	l.truncated = max(l.truncated, t.before)
	l.reach(t.before) // what does not exist yet is refused
	return flaw{}
}

// Newest returns the newest version that anybody was told of.
func (l *Log) Newest() persist.SeqNo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest
}

// Calls returns how many calls and returns there were.
func (l *Log) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock
}

// Audit asserts, when nothing is under way any more and the end of the log was read, that no
// write was refused while the version that it expected was the newest one, and that each
// version can be one of those that were not (P-2).
func (l *Log) Audit(rt *runtime.Runtime) {
	l.mu.Lock()
	defer l.mu.Unlock()
	behind := make(map[persist.SeqNo][]*logWrite) // that can be the version, by the one before
	for _, w := range l.all {
		if w.expected >= l.newest {
			continue // there is nothing behind
		}
		if seen := l.versions[w.expected+1]; seen == w || seen == nil && !w.isRefused && w.known <= w.expected {
			behind[w.expected] = append(behind[w.expected], w)
		}
	}
	for n := range l.newest {
		rt.Always(len(behind[n]) > 0, "P-2", "what", "all that can be the version were refused", "version", n+1)
	}
	wrongly := 0
	for _, w := range l.all {
		isInTheWay := func(other *logWrite) bool { return max(other.begun, l.absent[w.expected+1]) < w.ended }
		if w.isMismatch && w.known >= w.expected && !slices.ContainsFunc(behind[w.expected], isInTheWay) {
			wrongly++
		}
	}
	rt.Always(wrongly == 0, "P-2", "what", "refused, and nothing was in the way", "writes", wrongly)
}
