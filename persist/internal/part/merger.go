package part

import "context"

// Merger is [Merge] for those who take one update after the other themselves. It is used
// by one task at a time.
type Merger struct{ merger }

// NewMerger returns the merger of several runs. Nothing is fetched yet.
func NewMerger(since uint64, runs ...[]Unfetched) *Merger {
	m := &Merger{}
	for i, run := range runs {
		if len(run) > 0 {
			m.push(&runCursor{number: i, since: since, rest: run})
		}
	}
	return m
}

// Next returns the next update, and false if there is none. After an error, which is one
// of [Merge], it must not be called again.
func (m *Merger) Next(ctx context.Context) (next Update, isAny bool, err error) {
	for len(m.heap) > 0 {
		if next, isAny, err = m.next(ctx); isAny || err != nil {
			return next, isAny, err
		}
	}
	return Update{}, false, nil
}
