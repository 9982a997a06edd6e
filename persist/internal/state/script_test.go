package state_test

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Each script under testdata/scripts tells one story about a shard, in the words
// of the table below. Run with -rewrite to write down what happens now.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{
			shard:  newShard(),
			env:    state.Environment{NowMS: 1000, Hostname: "alpha"},
			calls:  map[string]*state.AppendCall{},
			offers: map[string]*state.EverApplied{},
			claims: map[string]*state.DowngradeCall{},
			names:  map[string]*state.Appender{},
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
	env    state.Environment
	names  map[string]*state.Appender
	calls  map[string]*state.AppendCall
	claims map[string]*state.DowngradeCall
	offers map[string]*state.EverApplied
}

var words map[string]func(*script) string

func init() {
	words = map[string]func(*script) string{
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
		"lease":             (*script).lease,
		"claim":             (*script).claim,
		"merge":             (*script).merge,
		"forget-rollup":     (*script).forgetRollup,
		"fence":             (*script).fence,
		"catch-up":          (*script).catchUp,
		"state":             func(s *script) string { return s.current().String() },
		"diff":              (*script).lastDiff,
		"contents":          (*script).contents,
	}
}

// environment now=MS host=NAME expire=(always|never|default) rollup-threshold=N
func (s *script) environment() string {
	s.env.NowMS = s.uint("now", s.env.NowMS)
	s.env.Hostname = s.text("host", s.env.Hostname)
	s.env.Config.RollupThreshold = s.uint("rollup-threshold", s.env.Config.RollupThreshold)
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

// begin call=NAME writer=N token=N expected=F new=F bounds=(F,F) lease=MS vouched
// with the updates below, one a line: row time diff.
func (s *script) begin() string {
	expected, upper := s.frontier("expected"), s.frontier("new")
	lower, beyond := expected, upper
	if arg, ok := s.d.Arg("bounds"); ok {
		lower, beyond = s.parseFrontier(arg.Vals[0]), s.parseFrontier(arg.Vals[1])
	}
	shardID := state.ShardID{byte(s.uint("shard", 1))}
	batch := state.Draft{Shard: shardID, Lower: lower, Upper: beyond}
	batch, err := batch.WithInline(number[state.RunID](1), state.SchemaID(s.uint("schema", 0)), s.updates())
	if err != nil {
		return "error: " + err.Error()
	}
	if s.d.HasArg("part") {
		batch.Runs = append(batch.Runs, s.blobRun())
	}
	call, err := s.appender().Begin(state.CompareAndAppend{
		Token:        number[state.IdempotencyToken](byte(s.uint("token", 0))),
		LeaseMS:      s.uint("lease", 60_000),
		Debug:        state.Debug{Host: s.env.Hostname, Purpose: "script"},
		Expected:     expected,
		New:          upper,
		Batches:      []state.Draft{batch},
		IsVouchedFor: s.d.HasArg("vouched"),
	}, s.env.NowMS)
	if err != nil {
		return "error: " + err.Error()
	}
	s.calls[s.text("call", "")] = call
	return "ok"
}

// blobRun is a run of one part that is an object: part=EPOCH, and staged or not.
func (s *script) blobRun() state.Run {
	name := state.PartName{Class: state.AppendedPart, Epoch: state.Epoch(s.uint("part", 0))}
	if s.d.HasArg("staged") {
		name.Class = state.StagedPart
	}
	p := state.Part{Key: name.Key(), Format: state.ParquetFormat, EncodedSize: 100, Length: 10}
	return state.Run{Order: state.ByRow, Parts: []state.Part{p}, Length: 10, EncodedSize: 100}
}

func (s *script) appender() *state.Appender {
	name := s.text("writer", "")
	if s.names[name] == nil {
		n, err := strconv.Atoi(name)
		if err != nil {
			s.Fatalf("writer: %v", err)
		}
		s.names[name] = state.NewAppender(number[state.WriterID](byte(n)))
	}
	return s.names[name]
}

// attempt call=NAME on=N fate=(committed|reply-lost|request-lost)
func (s *script) attempt() string {
	call := s.calls[s.text("call", "")]
	if err := call.GiveUp(s.env.NowMS); err != nil {
		return "told: " + err.Error()
	}
	note := func(state.AppendAnswer) { call.Indeterminate() }
	return try(s, call.Command, note, func(answer state.AppendAnswer) string {
		outcome := answer.Outcome.String()
		if answer.Outcome == state.UpperDiffers && answer.IsRuledOut {
			outcome += ", earlier attempts are ruled out"
		}
		if err := call.Finish(answer); err != nil {
			return outcome + "\ntold: " + err.Error()
		}
		return outcome + "\ntold: success"
	})
}

// abandon call=NAME in-flight
func (s *script) abandon() string {
	if err := s.calls[s.text("call", "")].Abandon(s.d.HasArg("in-flight")); err != nil {
		return "told: " + err.Error()
	}
	return "told: nothing happened"
}

func (s *script) giveUp() string {
	if err := s.calls[s.text("call", "")].GiveUp(s.env.NowMS); err != nil {
		return "told: " + err.Error()
	}
	return "go on"
}

// rotate writer=NAME to=N
func (s *script) rotate() string {
	if err := s.appender().Rotate(number[state.WriterID](byte(s.uint("to", 0)))); err != nil {
		return "error: " + err.Error()
	}
	return "ok"
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
	call := s.claims[s.text("call", "")]
	if call == nil {
		call = &state.DowngradeCall{Command: state.CompareAndDowngradeSince{
			ID:       number[state.CriticalReaderID](byte(s.uint("id", 0))),
			Expected: s.opaque("expected"),
			New:      s.opaque("new"),
			Since:    s.frontier("since"),
		}}
	}
	if name := s.text("call", ""); name != "" {
		s.claims[name] = call
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
	base := s.versions[s.uint("on", uint64(s.current().SeqNo()))]
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
	text := "rollup wanted\n"
	if !evaluation.Transition.Maintenance.WriteRollup {
		text = ""
	}
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

// lease id=N since=F hold=SEQNO lasts=MS: registers a leased reader.
func (s *script) lease() string {
	reader := state.LeasedReader{
		Since: s.frontier("since"),
		Hold:  state.SeqNo(s.uint("hold", uint64(s.current().SeqNo()))),
		Lease: state.Lease{HeartbeatMS: s.env.NowMS, DurationMS: s.uint("lasts", 1000)},
	}
	id := number[state.LeasedReaderID](byte(s.uint("id", 0)))
	s.edit(s, s.env.NowMS, state.Diff{LeasedReaders: []state.Mutation[state.LeasedReaderID, state.LeasedReader]{
		{Key: id, Old: s.current().LeasedReaders().Lookup(id), New: &reader},
	}})
	return s.current().SeqNo().String()
}

// claim ids=(LOWER,UPPER): assigns the compaction of a window.
func (s *script) claim() string {
	lower, upper := s.window()
	claimed := state.Compaction{Window: state.BatchIDs{Lower: lower, Upper: upper}, StartedMS: s.env.NowMS}
	s.edit(s, s.env.NowMS, state.Diff{Compactions: []state.Mutation[state.BatchID, state.Compaction]{
		{Key: lower, New: &claimed},
	}})
	return s.current().SeqNo().String()
}

func (s *script) window() (lower, upper state.BatchID) {
	arg, _ := s.d.Arg("ids")
	if len(arg.Vals) != 2 {
		s.Fatalf("ids=(lower,upper) is missing")
	}
	return state.BatchID(s.parseUint(arg.Vals[0])), state.BatchID(s.parseUint(arg.Vals[1]))
}

// merge ids=(LOWER,UPPER): replaces a window of batches by one without updates.
func (s *script) merge() string {
	lower, upper := s.window()
	var merged state.Batch
	var changes []state.Mutation[state.BatchID, state.Batch]
	for id := lower; id < upper; {
		old := s.current().Batches().Lookup(id)
		changes = append(changes, state.Mutation[state.BatchID, state.Batch]{Key: id, Old: old})
		if id == lower {
			merged = *old
		}
		merged.IDs.Upper, merged.Desc.Upper = old.IDs.Upper, old.Desc.Upper
		id = old.IDs.Upper
	}
	merged.Runs, merged.Length, merged.EncodedSize = nil, 0, 0
	changes[0].New = &merged
	s.edit(s, s.env.NowMS, state.Diff{Batches: changes})
	return s.current().SeqNo().String()
}

// forget-rollup of=SEQNO: unlists the rollups up to a version.
func (s *script) forgetRollup() string {
	upTo := state.SeqNo(s.uint("of", 0))
	changes := state.Diff{RollupsRemoved: &state.Replacement[state.SeqNo]{
		Old: s.current().RollupsRemoved(), New: upTo,
	}}
	for n, rollup := range s.current().Rollups().Shared() {
		if n <= upTo {
			changes.Rollups = append(changes.Rollups, state.Mutation[state.SeqNo, state.Rollup]{Key: n, Old: rollup})
		}
	}
	s.edit(s, s.env.NowMS, changes)
	return s.current().SeqNo().String()
}

// fence epoch=N: no part of an earlier epoch is accepted any more.
func (s *script) fence() string {
	epoch := state.Epoch(s.uint("epoch", 0))
	old := s.current()
	s.edit(s, s.env.NowMS, state.Diff{
		BatchEpoch:    &state.Replacement[state.Epoch]{Old: old.BatchEpoch(), New: epoch},
		BatchEpochMin: &state.Replacement[state.Epoch]{Old: old.BatchEpochMin(), New: epoch},
	})
	return s.current().SeqNo().String()
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

// line is the line of a script that is being run.
type line struct {
	t *testing.T
	d *datadriven.TestData
}

func (l line) Helper() { l.t.Helper() }

func (l line) Fatalf(format string, args ...any) {
	l.t.Helper()
	l.d.Fatalf(l.t, format, args...)
}

func (l line) text(key, otherwise string) string {
	if arg, ok := l.d.Arg(key); ok {
		return arg.SingleVal(l.t)
	}
	return otherwise
}

func (l line) uint(key string, otherwise uint64) uint64 {
	if arg, ok := l.d.Arg(key); ok {
		return l.parseUint(arg.SingleVal(l.t))
	}
	return otherwise
}

func (l line) parseUint(text string) uint64 {
	if text == "max" {
		return math.MaxUint64
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		l.Fatalf("%v", err)
	}
	return n
}

// frontier is a time, or {}.
func (l line) frontier(key string) frontier.Antichain {
	arg, ok := l.d.Arg(key)
	if !ok {
		l.Fatalf("missing argument: %s", key)
	}
	return l.parseFrontier(arg.SingleVal(l.t))
}

func (l line) parseFrontier(text string) frontier.Antichain {
	if text == "{}" {
		return frontier.Empty()
	}
	return frontier.At(l.parseUint(text))
}

func (l line) updates() (updates []part.Update) {
	for text := range strings.Lines(l.d.Input) {
		fields := strings.Fields(text)
		if len(fields) != 3 {
			l.Fatalf("an update is: row time diff")
		}
		diff, err := strconv.ParseInt(fields[2], 10, 64)
		if err = errors.Join(err); err != nil {
			l.Fatalf("%v", err)
		}
		updates = append(updates, part.Update{Row: []byte(fields[0]), Time: l.parseUint(fields[1]), Diff: diff})
	}
	return updates
}
