package runtimetest

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

// channelOrderCases are what the memory model and the specification say about order. The
// sentences are those of "The Go Memory Model" and of "The Go Programming Language
// Specification".
var channelOrderCases = []Case{
	{
		// "A receive from an unbuffered channel is synchronized before the completion of
		// the corresponding send on that channel."
		Name:    "chan/receive-comes-before-the-end-of-its-send",
		Allowed: []string{"written"},
		Native: func() string {
			c, value := make(chan int), ""
			go func() { value = "written"; <-c }()
			c <- 1
			return value
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, value := runtime.NewChan[int](rt, 0), ""
			task := rt.Go(ctx, "receiver", func(ctx context.Context) error { value = "written"; receive(ctx, c); return nil })
			send(ctx, c, 1)
			seen := value
			must(task.Wait(ctx))
			return seen
		},
	},
	{
		// "The closing of a channel is synchronized before a receive that returns because
		// the channel is closed."
		Name:    "close/comes-before-the-receive-that-sees-it",
		Allowed: []string{"written closed"},
		Native: func() string {
			c, value := make(chan int), ""
			go func() { value = "written"; close(c) }()
			_, err := receiveNative(c)
			return words(value, name(err))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, value := runtime.NewChan[int](rt, 0), ""
			task := rt.Go(ctx, "closer", func(context.Context) error { value = "written"; c.Close(); return nil })
			_, err := c.Recv(ctx)
			must(task.Wait(ctx))
			return words(value, name(err))
		},
	},
	{
		// "The kth receive from a channel with capacity C is synchronized before the
		// completion of the k+Cth send on that channel."
		Name:    "chan/receive-makes-room-for-a-later-send",
		Allowed: []string{"written"},
		Native: func() string {
			c, value := filledNative(1), ""
			go func() { value = "written"; <-c }()
			c <- 2
			return value
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, value := filled(ctx, rt, 1), ""
			task := rt.Go(ctx, "receiver", func(ctx context.Context) error { value = "written"; receive(ctx, c); return nil })
			send(ctx, c, 2)
			seen := value
			must(task.Wait(ctx))
			return seen
		},
	},
	{
		// "Channels act as first-in-first-out queues": the value of a sender that waits
		// comes after what is in the buffer.
		Name:    "chan/waiting-sender-comes-after-the-buffer",
		Allowed: []string{"1 2"},
		Native: func() string {
			c := filledNative(1)
			go func() { c <- 2 }()
			return words(<-c, <-c)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := filled(ctx, rt, 1)
			task := rt.Go(ctx, "sender", func(ctx context.Context) error { return c.Send(ctx, 2) })
			first, second := receive(ctx, c), receive(ctx, c)
			must(task.Wait(ctx))
			return words(first, second)
		},
	},
	{
		// "After calling close, and after any previously sent values have been received,
		// receive operations will return the zero value"; len counts what is left.
		Name:    "close/leaves-len-and-cap",
		Allowed: []string{"2 3 1 1 0 closed 0"},
		Native: func() string {
			c := make(chan int, 3)
			c <- 1
			c <- 2
			close(c)
			length, capacity := len(c), cap(c)
			first, left := <-c, len(c)
			<-c
			v, err := receiveNative(c)
			return words(length, capacity, first, left, v, name(err), len(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 3)
			send(ctx, c, 1)
			send(ctx, c, 2)
			c.Close()
			length, capacity := c.Len(), c.Cap()
			first, left := receive(ctx, c), c.Len()
			receive(ctx, c)
			v, err := c.Recv(ctx)
			return words(length, capacity, first, left, v, name(err), c.Len())
		},
	},
	{
		// Wait returns for everybody when the counter gets to zero: "all goroutines blocked
		// on Wait are released".
		Name:    "waitgroup/releases-all-who-wait",
		Allowed: []string{"12", "21"},
		Native: func() string {
			var group sync.WaitGroup
			group.Add(1)
			c := make(chan string, 2)
			goroutines(
				func() { group.Wait(); c <- "1" }, func() { group.Wait(); c <- "2" }, group.Done,
			)
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			group := rt.NewWaitGroup()
			group.Add(1)
			c := runtime.NewChan[string](rt, 2)
			tasks(ctx, rt,
				func() { group.Wait(); send(ctx, c, "1") }, func() { group.Wait(); send(ctx, c, "2") }, group.Done,
			)
			return receive(ctx, c) + receive(ctx, c)
		},
	},
}
