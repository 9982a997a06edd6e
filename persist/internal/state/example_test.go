package state_test

import (
	"errors"
	"fmt"
	"iter"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// created returns the first version of a shard, and the diff that leads there.
func created() *state.Transition {
	evaluation, err := state.Evaluate(
		state.Environment{NowMS: 1000, Hostname: "alpha"}, new(state.State),
		state.Initialise{Shard: state.ShardID{1}, Rollup: state.NewRollupKey(1, state.BlobID{1})})
	if err != nil {
		fmt.Println(err)
	}
	return evaluation.Transition
}

// appendRow is an append of one row at the expected upper.
func appendRow(row string, expected, next uint64) state.CompareAndAppend {
	bounds := state.Draft{Shard: state.ShardID{1}, Lower: frontier.At(expected), Upper: frontier.At(next)}
	batch, err := bounds.WithInline(state.RunID{1}, 0, []part.Update{{Row: []byte(row), Time: expected, Diff: 1}})
	if err != nil {
		fmt.Println(err)
	}
	return state.CompareAndAppend{
		Writer: state.WriterID{1}, LeaseMS: 60_000, Token: state.IdempotencyToken{byte(next)},
		Expected: bounds.Lower, New: bounds.Upper, Batches: []state.Draft{batch},
	}
}

// A command on a state has an answer and a transition. Nothing has happened before
// the diff of the transition is in the log.
func ExampleEvaluate() {
	first := created().Next
	evaluation, err := state.Evaluate(state.Environment{NowMS: 2000, Hostname: "alpha"}, first, appendRow("pear", 0, 5))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(evaluation.Standing, evaluation.Answer.Outcome)
	fmt.Println(first.SeqNo(), first.Upper(), "->", evaluation.Transition.Next.SeqNo(), evaluation.Transition.Next.Upper())

	again, err := state.Evaluate(state.Environment{NowMS: 2001}, evaluation.Transition.Next, appendRow("plum", 0, 7))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(again.Standing, again.Answer.Outcome, again.Answer.Upper)
	// Output:
	// proposed appended
	// v1 {0} -> v2 {5}
	// stale upper differs {5}
}

// Arguments that can never be right give a usage error with its kind.
func ExampleUsageError() {
	_, err := state.Evaluate(state.Environment{}, created().Next, state.CompareAndAppend{
		Token: state.IdempotencyToken{1}, Expected: frontier.At(5), New: frontier.At(3),
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, state.InvalidBounds), errors.Is(err, state.ErrUsage))
	// Output:
	// expected upper beyond new upper: {5} is beyond {3}
	// true true
}

// Another process follows the log, and another one opens the shard from a rollup:
// all come to the same state.
func ExampleCatchUp() {
	first := created()
	second, err := state.Evaluate(state.Environment{NowMS: 2000}, first.Next, appendRow("pear", 0, 5))
	if err != nil {
		fmt.Println(err)
	}
	var log [][]byte
	for _, transition := range []*state.Transition{first, second.Transition} {
		encoded, err := state.EncodeDiff(transition.Diff)
		if err != nil {
			fmt.Println(err)
		}
		log = append(log, encoded)
	}
	rollup, err := state.EncodeRollup(first.Next)
	if err != nil {
		fmt.Println(err)
	}

	follower, err := state.CatchUp(new(state.State), entries(log))
	fmt.Println(follower.SeqNo(), err)
	opened, err := state.DecodeRollup(rollup)
	if err != nil {
		fmt.Println(err)
	}
	opened, err = state.CatchUp(opened, entries(log))
	fmt.Println(opened.SeqNo(), err, opened.Equal(follower))
	// Output:
	// v2 <nil>
	// v2 <nil> true
}

func entries(log [][]byte) iter.Seq2[state.SeqNo, []byte] {
	return func(yield func(state.SeqNo, []byte) bool) {
		for i, data := range log {
			if !yield(state.SeqNo(i+1), data) {
				return
			}
		}
	}
}

// The reply to an attempt is lost. The next attempt finds the upper moved, by the
// lost one: the call is a success.
func ExampleAppendCall() {
	first := created().Next
	writer := state.NewAppender(state.WriterID{1})
	call, err := writer.Begin(appendRow("pear", 0, 5), 2000)
	if err != nil {
		fmt.Println(err)
	}

	attempt, err := state.Evaluate(state.Environment{NowMS: 2000}, first, call.Command)
	if err != nil {
		fmt.Println(err)
	}
	stored := attempt.Transition.Next // it is in the log, but nobody said so
	call.Indeterminate()

	attempt, err = state.Evaluate(state.Environment{NowMS: 2100}, stored, call.Command)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(attempt.Standing, attempt.Answer.Outcome)
	fmt.Println(call.Finish(attempt.Answer))
	// Output:
	// final already appended
	// <nil>
}

// A writer that does not know what became of an append takes a new name before
// the next one.
func ExampleAppender() {
	writer := state.NewAppender(state.WriterID{1})
	call, err := writer.Begin(appendRow("pear", 0, 5), 2000)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(call.Abandon(true))
	_, err = writer.Begin(appendRow("pear", 0, 5), 3000)
	fmt.Println(errors.Is(err, state.WriterTainted), writer.NeedsRotation())
	fmt.Println(writer.Rotate(state.WriterID{2}), writer.NeedsRotation())
	// Output:
	// unknown outcome: abandoned
	// true true
	// <nil> false
}

// A diff applied to anything else than the state it was made for is found out.
func ExampleApply() {
	first := created()
	_, err := state.Apply(first.Next, first.Diff)
	fmt.Println(err)
	// Output:
	// corrupt diff v0 to v1: does not follow v1
}

// A new owner fences the old one by replacing the opaque, though the since stays.
func ExampleCompareAndDowngradeSince() {
	epoch := func(n byte) state.Opaque { return state.Opaque{Codec: "epoch", Value: [8]byte{7: n}} }
	s := created().Next
	registered, err := state.Evaluate(state.Environment{}, s, state.RegisterCriticalReader{Opaque: epoch(1)})
	if err != nil {
		fmt.Println(err)
	}
	s = registered.Transition.Next
	for _, owner := range []struct{ expected, epoch, since byte }{{1, 2, 0}, {1, 1, 9}} {
		evaluation, err := state.Evaluate(state.Environment{}, s, state.CompareAndDowngradeSince{
			Expected: epoch(owner.expected), New: epoch(owner.epoch), Since: frontier.At(uint64(owner.since)),
		})
		if err != nil {
			fmt.Println(err)
		}
		s = evaluation.Transition.Next
		fmt.Println(evaluation.Answer.IsOwner, evaluation.Answer.Since, evaluation.Answer.Opaque)
	}
	// Output:
	// true {0} epoch:0000000000000002
	// false {0} epoch:0000000000000002
}

// Commands that come together can share a version, and its cost.
func ExampleCandidate() {
	candidate, err := state.NewCandidate(state.Environment{NowMS: 2000}, created().Next)
	if err != nil {
		fmt.Println(err)
	}
	for _, command := range []state.CompareAndAppend{appendRow("pear", 0, 3), appendRow("plum", 3, 5)} {
		command.Writer = state.WriterID(command.Token)
		answer, standing, err := state.Execute(candidate, command)
		fmt.Println(standing, answer.Outcome, err)
	}
	transition, err := candidate.Finish()
	fmt.Println(transition.Next.SeqNo(), transition.Next.Upper(), err)
	// Output:
	// proposed appended <nil>
	// proposed appended <nil>
	// v2 {5} <nil>
}
