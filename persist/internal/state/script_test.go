package state_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Each script under testdata/scripts tells one story about a shard, in the words
// of the table below. Run with -rewrite to write down what happens now.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{
			shard:      newShard(),
			env:        state.Environment{NowMS: 1000, Hostname: "alpha"},
			calls:      map[string]*state.AppendCall{},
			offers:     map[string]*state.EverApplied{},
			downgrades: map[string]*state.DowngradeCall{},
			appenders:  map[string]*state.Appender{},
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.line = line{t, d}
			run, ok := words[d.Cmd]
			if !ok {
				d.Fatalf(t, "unknown word %q", d.Cmd)
			}
			return shortIDs.ReplaceAllString(run(s), "$1$2")
		})
	})
}

// shortIDs finds ids that were made out of small numbers.
var shortIDs = regexp.MustCompile(`([swrcbnt])([0-9a-f]{2})0{30}`)

type script struct {
	*shard
	line
	env        state.Environment
	appenders  map[string]*state.Appender
	calls      map[string]*state.AppendCall
	downgrades map[string]*state.DowngradeCall
	offers     map[string]*state.EverApplied
}

var words = map[string]func(*script) string{
	"environment":       (*script).environment,
	"initialise":        (*script).initialise,
	"begin":             (*script).begin,
	"attempt":           (*script).attempt,
	"abandon":           (*script).abandon,
	"give-up":           (*script).giveUp,
	"rotate":            (*script).rotate,
	"expire-writer":     (*script).expireWriter,
	"register-critical": (*script).registerCritical,
	"downgrade":         (*script).downgrade,
	"expire-critical":   (*script).expireCritical,
	"add-rollup":        (*script).addRollup,
	"append":            (*script).append,
	"register-leased":   (*script).registerLeased,
	"heartbeat":         (*script).heartbeat,
	"downgrade-leased":  (*script).downgradeLeased,
	"expire-leased":     (*script).expireLeased,
	"register-schema":   (*script).registerSchema,
	"evolve-schema":     (*script).evolveSchema,
	"claim-compactions": (*script).claimCompactions,
	"give-back":         (*script).giveBack,
	"gave-back":         (*script).gaveBack,
	"merge":             (*script).merge,
	"apply-compaction":  (*script).applyCompaction,
	"part-keys":         (*script).partKeys,
	"remove-rollups":    (*script).removeRollups,
	"begin-epoch":       (*script).beginEpoch,
	"raise-fence":       (*script).raiseFence,
	"upgrade":           (*script).upgrade,
	"finalize":          (*script).finalize,
	"is":                (*script).standing,
	"catch-up":          (*script).catchUp,
	"state":             func(s *script) string { return s.current().String() },
	"diff":              (*script).lastDiff,
	"contents":          (*script).contents,
}

// environment now=MS host=NAME expire=(always|never|default), and any of the numbers
// of the configuration.
func (s *script) environment() string {
	s.env.NowMS = s.uint("now", s.env.NowMS)
	s.env.Hostname = s.text("host", s.env.Hostname)
	c := &s.env.Config
	for key, number := range map[string]*uint64{
		"rollup-threshold": &c.RollupThreshold, "gc-min": &c.GCVersionsMin, "gc-max": &c.GCVersionsMax,
		"gc-fallback": &c.GCFallbackMS, "compaction-fallback": &c.CompactionFallbackMS,
		"inline-bytes": &c.InlineBytesMax, "format": (*uint64)(&c.Format),
	} {
		*number = s.uint(key, *number)
	}
	c.CompactionsMax = int(s.uint("compactions", uint64(c.CompactionsMax)))
	c.CompactionFanout = int(s.uint("fanout", uint64(c.CompactionFanout)))
	c.BatchesMax = int(s.uint("batches", uint64(c.BatchesMax)))
	switch s.text("expire", "") {
	case "always":
		s.env.IsExpired = func(state.Lease, uint64) bool { return true }
	case "never":
		s.env.IsExpired = func(state.Lease, uint64) bool { return false }
	case "default":
		s.env.IsExpired = nil
	}
	return "ok"
}

func (s *script) initialise() string {
	command := state.Initialise{Shard: number[state.ShardID](1), Rollup: s.rollupKey()}
	return try(s, command, nil, func(answer state.InitialiseAnswer) string {
		return fmt.Sprintf("may delete the rollup: %t", answer.MayDelete)
	})
}

func (s *script) expireWriter() string {
	command := state.ExpireWriter{ID: number[state.WriterID](byte(s.uint("id", 0)))}
	return try(s, command, nil, func(existed bool) string { return fmt.Sprintf("existed: %t", existed) })
}

// register-critical id=N opaque=N codec=NAME
func (s *script) registerCritical() string {
	command := state.RegisterCriticalReader{
		ID:     number[state.CriticalReaderID](byte(s.uint("id", 0))),
		Opaque: s.opaque("opaque"),
		Debug:  state.Debug{Host: s.env.Hostname, Purpose: "script"},
	}
	return try(s, command, nil, func(reader state.CriticalReader) string { return reader.String() })
}

func (s *script) opaque(key string) state.Opaque {
	return state.Opaque{Codec: s.text("codec", "epoch"), Value: [8]byte{7: byte(s.uint(key, 0))}}
}

// downgrade id=N expected=N new=N since=F call=NAME
func (s *script) downgrade() string {
	call := s.downgrades[s.text("call", "")]
	if call == nil {
		call = &state.DowngradeCall{Command: state.CompareAndDowngradeSince{
			ID:       number[state.CriticalReaderID](byte(s.uint("id", 0))),
			Expected: s.opaque("expected"),
			New:      s.opaque("new"),
			Since:    s.frontier("since"),
		}}
	}
	if name := s.text("call", ""); name != "" {
		s.downgrades[name] = call
	}
	note := func(state.DowngradeAnswer) { call.Indeterminate() }
	return try(s, call.Command, note, func(answer state.DowngradeAnswer) string {
		answer = call.Finish(answer)
		return fmt.Sprintf("told: owner %t, since %v, opaque %v", answer.IsOwner, answer.Since, answer.Opaque)
	})
}

func (s *script) expireCritical() string {
	command := state.ExpireCriticalReader{ID: number[state.CriticalReaderID](byte(s.uint("id", 0)))}
	return try(s, command, nil, func(existed bool) string { return fmt.Sprintf("existed: %t", existed) })
}

// add-rollup of=SEQNO blob=N call=NAME
func (s *script) addRollup() string {
	offer := s.offers[s.text("call", "")]
	if offer == nil {
		offer = new(state.EverApplied)
	}
	if name := s.text("call", ""); name != "" {
		s.offers[name] = offer
	}
	command := state.AddRollup{Key: s.rollupKey(), EncodedSize: 500}
	return try(s, command, offer.Indeterminate, func(isListed bool) string {
		return fmt.Sprintf("told: listed %t", offer.Finish(isListed))
	})
}

func (s *script) rollupKey() state.RollupKey {
	return state.NewRollupKey(state.SeqNo(s.uint("of", 1)), number[state.BlobID](byte(s.uint("blob", 1))))
}

// try evaluates a command on the current version, or on an older one that
// somebody still has in memory, and lets fate decide about the commit.
func try[A any](s *script, command state.Command[A], note func(A), finish func(A) string) string {
	return tryOn(s, s.versions[s.uint("on", uint64(s.current().SeqNo()))], command, note, finish)
}

func tryOn[A any](
	s *script, base *state.State, command state.Command[A], note func(A), finish func(A) string,
) string {
	if note == nil {
		note = func(A) {}
	}
	evaluation, err := state.Evaluate(s.env, base, command)
	isCurrent := base == s.current()
	switch {
	case err != nil && evaluation.Standing == state.Stale && !isCurrent,
		err == nil && evaluation.Standing == state.Stale && !isCurrent:
		return fmt.Sprintf("stale: %v is current", s.current().SeqNo())
	case err != nil:
		return "error: " + err.Error()
	case evaluation.Transition == nil:
		return fmt.Sprintf("%v without a commit: ", evaluation.Standing) + finish(evaluation.Answer)
	}
	text := wanted(evaluation.Transition.Maintenance)
	switch fate := s.text("fate", "committed"); {
	case fate == "request-lost":
		note(evaluation.Answer)
		return text + "no reply (nothing was committed)"
	case !s.commit(s, evaluation.Transition):
		return fmt.Sprintf("lost: %v is current", s.current().SeqNo())
	case fate == "reply-lost":
		note(evaluation.Answer)
		return text + fmt.Sprintf("no reply (%v was committed)", s.current().SeqNo())
	default:
		return text + fmt.Sprintf("%v: ", s.current().SeqNo()) + finish(evaluation.Answer)
	}
}

// wanted tells what work a version comes with, one a line.
func wanted(work state.Maintenance) (text string) {
	if work.WriteRollup {
		text = "rollup wanted\n"
	}
	if work.CollectGarbage > 0 {
		text += fmt.Sprintf("garbage collection wanted to %v\n", work.CollectGarbage)
	}
	for _, request := range work.Compactions {
		text += fmt.Sprintf("merge wanted of %v\n", request)
	}
	return text
}

// catch-up on=SEQNO log-from=SEQNO: follows from an older version, or opens the
// shard from a rollup of it.
func (s *script) catchUp() string {
	base := s.versions[s.uint("on", 0)]
	if s.d.HasArg("rollup") {
		encoded, err := state.EncodeRollup(base)
		if err != nil {
			return "error: " + err.Error()
		}
		if base, err = state.DecodeRollup(encoded); err != nil {
			return "error: " + err.Error()
		}
	}
	caughtUp, err := state.CatchUp(base, s.entries(state.SeqNo(s.uint("log-from", 1))))
	if err != nil {
		return "error: " + err.Error()
	}
	if !caughtUp.Equal(s.current()) {
		s.Fatalf("caught up to another version:\n%v", caughtUp)
	}
	return fmt.Sprintf("%v, as committed", caughtUp.SeqNo())
}

func (s *script) lastDiff() string {
	diff, err := state.DecodeDiff(s.log[len(s.log)-1])
	if err != nil {
		return "error: " + err.Error()
	}
	return diff.String()
}

func (s *script) contents() string {
	var text strings.Builder
	for _, u := range contents(s, s.current()) {
		fmt.Fprintf(&text, "%s %d %+d\n", u.Row, u.Time, u.Diff)
	}
	return text.String()
}
