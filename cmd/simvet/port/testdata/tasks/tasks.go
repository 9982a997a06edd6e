// Package tasks has go statements, clocks and contexts.
//
//sim:deterministic
package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

type server struct {
	rt      *runtime.Runtime
	handler func(string)
	ticker  *time.Ticker
}

func (s *server) tasks(ctx context.Context, name string) {
	go s.run(name)
	go s.handler(name)
	go func() {
		if name == "" {
			return
		}
		s.handler(name)
	}()
	go func() {
		for {
			s.run(name)
		}
	}()
	go func() { s.run(name) }()
	for i := 0; i < 3; i++ {
		go func(n int) { println(n) }(i)
		go println(i)
	}
	var group sync.WaitGroup
	go wait(&group)
	done := make(chan struct{})
	go close(done)
	go time.Sleep(time.Second)
	go func() error { return s.check() }()
	name = "changed"
}

func wait(group *sync.WaitGroup) { group.Wait() }

func (s *server) run(string) {}

func (s *server) check() error { return nil }

func (s *server) clocks(ctx context.Context) time.Duration {
	start := time.Now()
	time.Sleep(time.Second)
	timer := time.NewTimer(time.Second)
	s.ticker = time.NewTicker(time.Second)
	timer.Reset(time.Until(start.Add(time.Minute)))
	time.AfterFunc(time.Second, func() { s.run("late") })
	ctx, cancel := context.WithTimeout(ctx, 2*time.Since(start))
	defer cancel()
	context.AfterFunc(ctx, cancel)
	return time.Since(start)
}

type holder struct{ server *server }

func (h *holder) deep() time.Time { return time.Now() }

func stranger() time.Time {
	go println("lost")
	return time.Now()
}
