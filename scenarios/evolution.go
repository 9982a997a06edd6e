package scenarios

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Evolution lets the schema of a shard change under those who write and read it.
func Evolution() sim.Scenario {
	return sim.Scenario{
		Name: "evolution",
		Doc: "processes add columns to the schema of a shard while writers and readers of every version go on, batches" +
			" are merged and answers are lost; each value is read as it was written, and filters leave out what they should",
		Run:    onStage(evolution),
		Faults: kindNames(storeFaults, storageRules...),
		Goals: []string{
			"append-succeeded", "schema-evolved", "schema-mismatched", "read-under-older", "read-under-newer", "filtered-read",
			"followed-filtered", "lease-expired",
		},
	}
}

// evolutionWorld is a shard with a schema that changes.
type evolutionWorld struct {
	*shardWorld
	steps evolutionSteps
}

func evolution(ctx context.Context, w stage) error {
	rt := w.Runtime()
	rand := rt.Rand("evolution")

	// Given processes that know what will become of the schema of a shard, and of which each
	// writes and reads it under one version or the other,
	nodes := 2 + rand.IntN(3)/2
	plan := trouble{nodes: nodes, faults: 5, steps: 2500, kinds: storeFaults, storage: storageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s.config.SelfCheck = rand.IntN(3) == 0 // others always do it
	s.config.AuditPercent = []int{-1, 1, 50, 100}[rand.IntN(4)]
	if rand.IntN(4) == 0 { // small parts have narrow bounds
		s.config.InlineSizeMax, s.config.PartSize = 1, runtime.Between(rand, 100, 800)
		s.config.StatsSize = runtime.Between(rand, 50, 1000)
	}
	e := &evolutionWorld{shardWorld: s}
	if err := bootNodes(w, nodes, e.process); err != nil {
		return err
	}

	// when it changes, and they are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 6)); err != nil {
		return err
	}

	// then, once the faults are over, appends go on,
	s.recover(w, drawCalm(rand))

	// and under every schema the shard has what the writers were told.
	err = e.auditSchemas(ctx, rt)
	s.ledger.Seal(rt)
	return err
}

// process is a process: it writes, reads, and changes the schema.
func (e *evolutionWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := e.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, e.shard)
	if err != nil {
		return err
	}
	id, err := shard.RegisterSchema(ctx, versions[0].schema)
	var mismatch *persist.SchemaMismatchError
	if err != nil && !errors.As(err, &mismatch) {
		return err
	}
	rt.Always(err == nil && id == 0, "P-36", "first", id, "error", err)
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return e.write(ctx, rt, client, shard) })
	group.Go("reader", func(ctx context.Context) error { return e.read(ctx, rt, client, shard) })
	group.Go("evolver", func(ctx context.Context) error { return e.evolve(ctx, rt, shard) })
	if rt.Rand("subscriber").IntN(2) == 0 {
		group.Go("subscriber", func(ctx context.Context) error { return e.subscribe(ctx, rt, client, shard) })
	}
	return group.Wait()
}

// latest returns the newest version of the schema, which has to be the one that everybody
// agreed on.
func latest(ctx context.Context, rt *runtime.Runtime, shard *persist.Shard) (int, error) {
	id, schema, err := shard.LatestSchema(ctx)
	if err != nil {
		return 0, err
	}
	rt.Always(int(id) < len(versions) && schema.Equal(versions[id].schema), "P-36", "schema", id)
	return int(id), nil
}

// evolve adds one version after the other.
func (e *evolutionWorld) evolve(ctx context.Context, rt *runtime.Runtime, shard *persist.Shard) error {
	rand := rt.Rand("evolver")
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 3000))*time.Millisecond); err != nil {
			return err
		}
		now, err := latest(ctx, rt, shard)
		if err != nil {
			return err
		}
		if now+1 == len(versions) {
			return nil
		}
		e.steps.begin(now)
		id, err := shard.CompareAndEvolveSchema(ctx, persist.SchemaID(now), versions[now+1].schema)
		var mismatch *persist.SchemaMismatchError
		switch {
		case err == nil:
			rt.Always(int(id) == now+1, "P-36", "evolved", id, "from", now)
			rt.Reachable("schema-evolved")
		case errors.As(err, &mismatch):
			rt.Always(int(mismatch.Latest) > now && e.steps.count(now) > 1, "P-36",
				"mismatched", mismatch.Latest, "from", now, "tried by", e.steps.count(now))
			rt.Reachable("schema-mismatched")
		default:
			return err
		}
	}
}

// write appends under a version of the schema for a while, and then under another.
func (e *evolutionWorld) write(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, shard *persist.Shard,
) error {
	rand := rt.Rand("writer")
	for serial := 0; ; {
		newest, err := latest(ctx, rt, shard)
		if err != nil {
			return err
		}
		version := rand.IntN(newest + 1)
		options := persist.WriterOptions{Purpose: "writer", Schema: versions[version].schema}
		w, err := client.OpenWriter(ctx, e.shard, options)
		if err != nil {
			return err
		}
		for range runtime.Between(rand, 1, 6) {
			if err := e.append(ctx, rt, rand, w, version, &serial); err != nil {
				return err
			}
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond); err != nil {
				return err
			}
		}
	}
}

// append appends some rows. The journal knows them by their names, from which all else
// follows.
func (e *evolutionWorld) append(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, w *persist.Writer, version int, serial *int,
) error {
	lower, _ := w.Upper().Time()
	upper := lower + runtime.Between[uint64](rand, 1, 5)
	var names, updates []persist.Update
	for range rand.IntN(4) {
		*serial++
		name := fmt.Sprintf("%s.%d/%d v%d", rt.Node(), rt.Incarnation(), *serial, version)
		at := runtime.Between(rand, lower, upper-1)
		row, err := versions[version].row(name)
		if err != nil {
			return err
		}
		names = append(names, persist.Update{Row: []byte(name), Time: at, Diff: 1})
		updates = append(updates, persist.Update{Row: row, Time: at, Diff: 1})
	}
	call := e.journal.Begin(names, frontier.At(lower), frontier.At(upper))
	err := w.CompareAndAppend(ctx, updates, frontier.At(lower), frontier.At(upper))
	call.End(rt, err)
	var mismatch *persist.UpperMismatchError
	var unknown *persist.UnknownOutcomeError
	rt.Sometimes(err == nil, "append-succeeded")
	switch {
	case errors.As(err, &mismatch):
		return nil
	case errors.As(err, &unknown):
		_, err = w.FetchRecentUpper(ctx)
	}
	return err
}

// read reads under one version of the schema after the other.
func (e *evolutionWorld) read(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, shard *persist.Shard,
) error {
	rand := rt.Rand("reader")
	for {
		newest, err := latest(ctx, rt, shard)
		if err != nil {
			return err
		}
		version := rand.IntN(newest + 1)
		options := persist.ReaderOptions{Purpose: "reader", Schema: versions[version].schema}
		r, err := client.OpenReader(ctx, e.shard, options)
		if err != nil {
			return err
		}
		isAlive, from := true, r.Since()
		for range runtime.Between(rand, 1, 5) {
			if isAlive, err = e.readOnce(ctx, rt, rand, r, version, &from); err != nil {
				return err
			}
			if !isAlive {
				break
			}
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(1200))*time.Millisecond); err != nil {
				return err
			}
		}
		if isAlive {
			if err := r.Close(ctx); err != nil {
				return err
			}
		}
	}
}

// readOnce reads everything, and then what a filter leaves of it, and gives up what is
// before. It reports whether the reader is still known.
func (e *evolutionWorld) readOnce(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, r *persist.Reader, version int,
	from *frontier.Antichain,
) (isAlive bool, err error) {
	since, ok := from.Time()
	if !ok {
		return false, nil
	}
	end, _ := r.SharedUpper().Time()
	asOf := max(since, end-min(end, rand.Uint64()%8))
	all, err := r.Snapshot(ctx, asOf)
	if hasLapsed(ctx, rt, r, err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e.check(rt, version, asOf, all)
	chosen := drawCondition(rand, asOf)
	got, err := readInPieces(ctx, rand, r, asOf, chosen.filter)
	if hasLapsed(ctx, rt, r, err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want := chosen.choose(versions[version], all)
	rt.Always(slices.EqualFunc(got, want, isSame), "P-24",
		"asOf", asOf, "version", version, "filter", chosen.text, "rows", len(got), "want", len(want))
	rt.Sometimes(len(got) > 0 && len(got) < len(all), "filtered-read")
	*from = frontier.At(asOf)
	r.Downgrade(*from)
	return true, nil
}

// readInPieces reads with a filter, by whichever way there is.
func readInPieces(
	ctx context.Context, rand *runtime.Rand, r *persist.Reader, asOf uint64, filter persist.Filter,
) (all []persist.Update, err error) {
	if rand.IntN(2) == 0 {
		return r.Snapshot(ctx, asOf, filter)
	}
	cursor, err := r.Cursor(ctx, asOf, filter)
	if err != nil {
		return nil, err
	}
	defer cursor.Close()
	for {
		piece, err := cursor.Next(ctx)
		if len(piece) == 0 || err != nil {
			return all, err
		}
		all = append(all, piece...)
	}
}

// hasLapsed reports whether a read has failed because its lease had run out. Otherwise its
// own since would hold the time back.
func hasLapsed(ctx context.Context, rt *runtime.Runtime, r *persist.Reader, err error) bool {
	var expired *persist.LeaseExpiredError
	var gone *persist.SinceError
	hasLapsed := errors.As(err, &expired) || errors.As(err, &gone) && errors.As(r.Renew(ctx), &expired)
	rt.Always(gone == nil || hasLapsed, "P-31", "error", err)
	if hasLapsed {
		rt.Reachable("lease-expired")
	}
	return hasLapsed
}

func isSame(a, b persist.Update) bool {
	return bytes.Equal(a.Row, b.Row) && a.Time == b.Time && a.Diff == b.Diff
}

// check asserts that rows that were read under a version have the values that they were
// written with, in order (P-36), and compares them with the journal.
func (e *evolutionWorld) check(rt *runtime.Runtime, version int, asOf uint64, updates []persist.Update) {
	names := make([]persist.Update, 0, len(updates))
	var wrong string
	var isOlder, isNewer bool
	isSorted := slices.IsSortedFunc(updates, func(a, b persist.Update) int { return bytes.Compare(a.Row, b.Row) })
	for _, u := range updates {
		name, written, flaw := versions[version].verify(u.Row)
		wrong = cmp.Or(wrong, flaw)
		isOlder, isNewer = isOlder || written > version, isNewer || written < version
		names = append(names, persist.Update{Row: []byte(name), Time: u.Time, Diff: u.Diff})
	}
	rt.Always(wrong == "", "P-36", "version", version, "wrong", wrong)
	rt.Always(isSorted, "P-28", "version", version, "asOf", asOf)
	rt.Sometimes(isOlder, "read-under-older")
	rt.Sometimes(isNewer, "read-under-newer")
	slices.SortFunc(names, func(a, b persist.Update) int { return bytes.Compare(a.Row, b.Row) })
	e.journal.Read(rt, asOf, names)
}

// subscribe follows what a filter leaves of the shard. What it has seen up to a frontier is
// what a read as of the moment before returns.
func (e *evolutionWorld) subscribe(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, shard *persist.Shard,
) error {
	rand := rt.Rand("subscribe")
	for {
		newest, err := latest(ctx, rt, shard)
		if err != nil {
			return err
		}
		version := versions[rand.IntN(newest+1)]
		options := persist.ReaderOptions{Purpose: "subscriber", Schema: version.schema}
		r, err := client.OpenReader(ctx, e.shard, options)
		if err != nil {
			return err
		}
		if err := e.follow(ctx, rt, rand, client, r, version); err != nil {
			return err
		}
	}
}

// follow is subscribe for one reader, until its lease has run out.
func (e *evolutionWorld) follow(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, client *persist.Client, r *persist.Reader,
	version schemaVersion,
) error {
	since, ok := r.Since().Time()
	if !ok {
		return nil
	}
	chosen := drawColumnCondition(rand)
	rows, reached := map[string]int64{}, frontier.At(0)
	for event, err := range r.Subscribe(ctx, since, chosen.filter) {
		if hasLapsed(ctx, rt, r, err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, u := range event.Updates {
			rows[string(u.Row)] += u.Diff
		}
		if reached == event.Frontier {
			continue // in the middle of a step
		}
		reached = event.Frontier
		if rand.IntN(3) > 0 {
			continue
		}
		if err := e.compare(ctx, rt, client, version, chosen, reached, rows); err != nil {
			return err
		}
	}
	return nil
}

// compare asserts that rows are what a filter leaves of the contents before a frontier.
func (e *evolutionWorld) compare(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, version schemaVersion, chosen condition,
	reached frontier.Antichain, rows map[string]int64,
) error {
	r, err := client.OpenReader(ctx, e.shard, persist.ReaderOptions{Purpose: "comparison", Schema: version.schema})
	if err != nil {
		return err
	}
	end, _ := reached.Time()
	all, err := r.Snapshot(ctx, end-1)
	var gone *persist.SinceError // the subscriber has moved on meanwhile
	var expired *persist.LeaseExpiredError
	if errors.As(err, &gone) || errors.As(err, &expired) {
		return nil
	}
	if err != nil {
		return err
	}
	isEqual := slices.EqualFunc(contentsOf(rows, end-1), chosen.choose(version, all), isSame)
	rt.Always(isEqual, "P-24", "followed to", reached, "filter", chosen.text)
	rt.Reachable("followed-filtered")
	return r.Close(ctx)
}
