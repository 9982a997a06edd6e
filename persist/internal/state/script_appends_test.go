package state_test

import (
	"strconv"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

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
		IsSchemaless: s.d.HasArg("schemaless"),
	}, s.env.NowMS)
	if err != nil {
		return "error: " + err.Error()
	}
	s.calls[s.text("call", "")] = call
	return "ok"
}

// append is begin and attempt in one.
func (s *script) append() string {
	if answer := s.begin(); answer != "ok" {
		return answer
	}
	return s.attempt()
}

// blobRun is a run of one part that is an object: part=EPOCH blob=N length=N diffs=N
// schema=N, and staged or not.
func (s *script) blobRun() state.Run {
	name := state.PartName{
		Class: state.AppendedPart, Epoch: state.Epoch(s.uint("part", 0)),
		ID: number[state.BlobID](byte(s.uint("blob", 0))),
	}
	if s.d.HasArg("staged") {
		name.Class = state.StagedPart
	}
	p := state.Part{
		Key: name.Key(), Format: state.ParquetFormat, EncodedSize: 100,
		Length: s.uint("length", 10), DiffsSum: int64(s.uint("diffs", 0)),
	}
	return state.Run{
		Order: state.ByRow, Schema: state.SchemaID(s.uint("schema", 0)),
		Parts: []state.Part{p}, Length: p.Length, EncodedSize: 100,
	}
}

func (s *script) appender() *state.Appender {
	name := s.text("writer", "")
	if s.appenders[name] == nil {
		n, err := strconv.Atoi(name)
		if err != nil {
			s.Fatalf("writer: %v", err)
		}
		s.appenders[name] = state.NewAppender(number[state.WriterID](byte(n)))
	}
	return s.appenders[name]
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
		if answer.Outcome == state.InlineFull || answer.Outcome == state.BatchesFull {
			return outcome // the call goes on
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
