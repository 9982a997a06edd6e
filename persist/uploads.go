package persist

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

// uploads takes objects to the store, [Config].UploadsMax at a time: whoever has more
// waits, so that no more of them are in memory. One task uses it.
type uploads struct {
	client *Client
	max    int64
	ctx    context.Context // of all that is on its way
	cancel context.CancelCauseFunc
	// permits are as many as may be on their way, and group has the tasks. It is nil until
	// there is one: most appends need none.
	permits *runtime.Semaphore
	group   *runtime.Group
}

// newUploads returns uploads that end with ctx. They have to be finished or stopped.
func (c *Client) newUploads(ctx context.Context) *uploads {
	return &uploads{client: c, max: int64(c.config().UploadsMax), ctx: ctx}
}

// begin waits until another object may be on its way: then send or end has to follow.
// The error may be that of an earlier object.
func (u *uploads) begin(ctx context.Context) error {
	if u.group == nil {
		rt := u.client.rt
		u.ctx, u.cancel = rt.WithCancelCause(u.ctx)
		u.permits, u.group = rt.NewSemaphore(u.max), rt.NewGroup(u.ctx)
	}
	return u.acquire(ctx, 1)
}

// end gives up what begin has waited for.
func (u *uploads) end() { u.permits.Release(1) }

// send begins to write an object.
func (u *uploads) send(key string, data []byte) {
	u.group.Go("upload", func(ctx context.Context) error {
		defer u.permits.Release(1)
		err := u.client.put(ctx, key, data)
		if err != nil {
			u.cancel(err) // before anybody may think that all is there
		}
		return err
	})
}

// put writes an object.
func (c *Client) put(ctx context.Context, key string, data []byte) error {
	return c.retryExternal(ctx, func() error { return c.blob.Set(ctx, key, data) })
}

// wait waits until all objects that were sent are there. Others may follow.
func (u *uploads) wait(ctx context.Context) error {
	if u.group == nil {
		return nil
	}
	err := u.acquire(ctx, u.max)
	if err == nil {
		u.permits.Release(u.max)
	}
	return err
}

func (u *uploads) acquire(ctx context.Context, n int64) error {
	if err := u.permits.Acquire(ctx, n); err != nil {
		return err
	}
	err := context.Cause(u.ctx)
	if err != nil {
		u.permits.Release(n)
	}
	return err
}

// finish waits until all objects are there, for the last time.
func (u *uploads) finish(ctx context.Context) error {
	err := u.wait(ctx)
	u.stop()
	return err
}

// stop ends what is on its way, some of which may be there then.
func (u *uploads) stop() {
	if u.group != nil {
		u.cancel(nil)
		_ = u.group.Wait() // whoever stops has the error already, or wants none
	}
}
