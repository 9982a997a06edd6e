package s3

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

func (c *Consensus) headName(key string) string { return c.folder() + key + keyEnd }

// segmentFolder is where the segments of a key are, and nothing else.
func (c *Consensus) segmentFolder(key string) string {
	return c.store.prefix + segmentsName + key + keyEnd + "/"
}

// drive performs what a call asks for until it is finished, as long as ctx and the limit of
// the operation allow.
func (c *Consensus) drive(ctx context.Context, key string, call head.Call) {
	d := &driver{
		Consensus: c, key: key, call: call, pause: c.store.retries.newPause(), begin: c.store.rt.Now(),
	}
	for {
		action := call.Next()
		if _, isFinished := action.(head.Finished); isFinished {
			return
		}
		if err := d.over(ctx); err != nil {
			d.stop(err)
			continue
		}
		d.perform(ctx, action)
	}
}

// driver performs the actions of one call.
type driver struct {
	*Consensus
	key      string
	call     head.Call
	pause    *pause
	begin    time.Time
	refusals int // of writes whose condition did not hold
	renewals int
}

// over returns why nothing more is to be asked of the store, or nil.
func (d *driver) over(ctx context.Context) error {
	limit := d.store.limits.Operation
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.store.rt.Since(d.begin) > limit:
		return &TimeLimitError{limit}
	}
	return nil
}

func (d *driver) perform(ctx context.Context, action head.Action) {
	switch a := action.(type) {
	case head.GetHead:
		d.getHead(ctx)
	case head.PutHead:
		d.putHead(ctx, a)
	case head.PutSegment:
		d.putSegment(ctx, a)
	case head.GetSegments:
		d.getSegments(ctx, a.Links)
	case head.ListSegments:
		d.listSegments(ctx)
	case head.DeleteSegments:
		d.deleteSegments(ctx, a.Names)
	}
}

func (d *driver) stop(err error) { d.call.Answer(head.Stopped{Cause: err}) }

func (d *driver) getHead(ctx context.Context) {
	found, err := d.store.read(ctx, d.headName(d.key), condition{})
	switch {
	case classOf(err) == absent:
		d.call.Answer(head.Absent{})
	case err != nil:
		d.stop(err)
	default:
		d.call.Answer(head.Found{Tag: head.Tag(found.tag), Body: found.body})
	}
}

// putHead sends one request. It is repeated here only if the store was not reached by it, or
// has sent it back to be signed once more.
func (d *driver) putHead(ctx context.Context, a head.PutHead) {
	on := condition{match: string(a.Match), isAbsent: a.Match == ""}
	tag, err := d.store.put(ctx, d.headName(d.key), a.Body, on)
	wrote := head.Wrote{Tag: head.Tag(tag), Cause: err}
	switch class := classOf(err); class {
	case -1:
		wrote.Verdict = head.Written
	case preconditionFailed, absent:
		wrote.Verdict = head.PreconditionFailed
		if d.refusals++; d.refusals > 1 {
			d.wait(ctx) // whoever has lost more than once lets others go first
		}
	case conflict:
		wrote.Verdict = head.Conflict
		d.wait(ctx)
	case unsent, expired:
		if class == expired {
			d.renewals++
		}
		d.wait(ctx)
		over := d.over(ctx)
		if over == nil && d.renewals <= renewalsMax {
			return // the same action is still next
		}
		wrote.Verdict, wrote.Cause = head.Refused, errors.Join(over, err)
	case unclear:
		wrote.Verdict = head.Unclear
		d.wait(ctx)
	default:
		wrote.Verdict = head.Refused
	}
	d.call.Answer(wrote)
}

// wait lets some time pass. That ctx has ended is found out next.
func (d *driver) wait(ctx context.Context) { _ = d.store.rt.Sleep(ctx, d.pause.draw()) }

func (d *driver) putSegment(ctx context.Context, a head.PutSegment) {
	name := d.segmentFolder(d.key) + a.Name
	err := d.store.retries.repeat(ctx, func(ctx context.Context) error {
		_, err := d.store.put(ctx, name, a.Body, condition{})
		return err
	})
	if err != nil {
		d.stop(err)
		return
	}
	d.call.Answer(head.Wrote{Verdict: head.Written})
}

// getSegments reads segments at the same time. The call hears of them in their order.
func (d *driver) getSegments(ctx context.Context, links []head.Link) {
	found := make([]*object, len(links))
	err := d.store.each(ctx, len(links), func(ctx context.Context, i int) (err error) {
		found[i], err = d.store.read(ctx, d.segmentFolder(d.key)+links[i].Name, condition{})
		if classOf(err) == absent {
			found[i], err = nil, nil
		}
		return err
	})
	if err != nil {
		d.stop(err)
		return
	}
	for i, link := range links {
		if found[i] == nil {
			d.call.Answer(head.SegmentAbsent{Name: link.Name})
			return
		}
		d.call.Answer(head.SegmentFound{Name: link.Name, Body: found[i].body})
	}
}

func (d *driver) listSegments(ctx context.Context) {
	var names []string
	folder := d.segmentFolder(d.key)
	err := d.store.walk(ctx, folder, func(name string, _ int64) error {
		names = append(names, name[len(folder):])
		return nil
	})
	if err != nil {
		d.stop(err)
		return
	}
	d.call.Answer(head.Listed{Names: names})
}

// deleteSegments leaves to a sweep what can not be deleted.
func (d *driver) deleteSegments(ctx context.Context, names []string) {
	err := d.store.each(ctx, len(names), func(ctx context.Context, i int) error {
		return d.store.retries.repeat(ctx, func(ctx context.Context) error {
			return d.store.delete(ctx, d.segmentFolder(d.key)+names[i])
		})
	})
	if err != nil {
		d.store.rt.Logger().Info("s3: segments are left to a sweep", "key", d.key, "error", err.Error())
	}
	d.call.Answer(head.Deleted{})
}

// read returns an object of the versions. One that comes damaged is read again: only if it
// always does is that what the store has.
func (s *Store) read(ctx context.Context, name string, on condition) (found *object, err error) {
	for range readingsMax {
		err = s.retries.repeat(ctx, func(ctx context.Context) (err error) {
			found, err = s.get(ctx, name, byteRange{}, on)
			return err
		})
		if err != nil || wire.Check(found.body) == nil {
			break
		}
	}
	return found, err
}

// look returns the head of a key, or nil if there is none. If it has not changed since it was
// seen last, the store says only that.
func (c *Consensus) look(ctx context.Context, key string) (*head.Snapshot, error) {
	known := c.store.heads.get(key)
	on := condition{}
	if known != nil {
		on.notMatch = string(known.Tag)
	}
	found, err := c.store.read(ctx, c.headName(key), on)
	switch {
	case known != nil && classOf(err) == notModified:
		return known, nil
	case known != nil && classOf(err) == absent:
		return nil, &persist.CorruptionError{What: "head of " + key, Reason: "is gone"}
	case classOf(err) == absent:
		return nil, nil
	case err != nil:
		return nil, err
	}
	object, err := head.Decode(key, found.body)
	if err != nil {
		return nil, err
	}
	if known != nil && !isAfter(object, known.Object) {
		return nil, &persist.CorruptionError{What: "head of " + key, Reason: "went back"}
	}
	snapshot := &head.Snapshot{Tag: head.Tag(found.tag), Object: object}
	c.store.heads.put(key, snapshot)
	return snapshot, nil
}
