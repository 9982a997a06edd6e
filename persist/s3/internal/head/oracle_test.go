package head_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

var errOracle = errors.New("oracle")

// strict is a tester whose failures are what is wanted.
type strict struct{}

func (strict) Helper() {}

func (strict) Fatalf(format string, args ...any) {
	panic(fmt.Errorf("%w: %s", errOracle, fmt.Sprintf(format, args...)))
}

// TestTheOracleSees protects all other tests from an oracle that lets everything pass.
func TestTheOracleSees(t *testing.T) {
	for name, happen := range map[string]func(w *world){
		"two winners, by a store that checks first and acts later": func(w *world) {
			one, other := w.newCommit(w.snapshot(), 4), w.newCommit(w.snapshot(), 4)
			w.install(one.Next().(head.PutHead).Body)
			w.install(other.Next().(head.PutHead).Body)
		},
		"a version that is gone": func(w *world) {
			body := w.body
			w.commit(1)
			w.install(body)
		},
		"a segment that is gone": func(w *world) {
			w.run(head.NewSpill(shard, w.id(), w.snapshot(), tight))
			w.perform(head.DeleteSegments{Names: []string{w.object().Links[0].Name}})
		},
		"other data": func(w *world) {
			w.edit(func(o *head.Object) { o.Entries[1].Data = []byte("?") })
		},
		"a commit that says it has lost": func(w *world) {
			call := w.newCommit(w.snapshot(), 4)
			w.perform(call.Next())
			w.ledger.judge(w.t, head.Mismatched, call.ID(), 5)
		},
		"a commit that says it has won": func(w *world) {
			w.ledger.judge(w.t, head.Committed, w.newCommit(nil, 4).ID(), 5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(strict{})
			w.commit(4)
			defer func() {
				if err, ok := recover().(error); !errors.Is(err, errOracle) {
					t.Errorf("not seen: %v, %t", err, ok)
				}
			}()
			happen(w)
		})
	}
}
