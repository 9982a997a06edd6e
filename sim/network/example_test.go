package network_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/network"
)

// A client that tries again gets its answer through a network that loses messages, and a
// server has to expect the same request twice.
func ExampleNew() {
	requests := 0
	main := func(ctx context.Context, w *sim.World) error {
		rules, err := network.ParseRules("drop #1 from=server")
		if err != nil {
			return err
		}
		net, err := network.New(w, network.Options[string]{Rules: rules})
		if err != nil {
			return err
		}
		server := func(ctx context.Context, rt *runtime.Runtime) error {
			port := net.Listen(rt)
			for {
				m, err := port.Recv(ctx)
				if err != nil {
					return err
				}
				requests++
				if err := port.Send(m.From, "pong"); err != nil {
					return err
				}
			}
		}
		client := func(ctx context.Context, rt *runtime.Runtime) error {
			port := net.Listen(rt)
			for {
				if err := port.Send("server", "ping"); err != nil {
					return err
				}
				limited, cancel := rt.WithTimeout(ctx, 5*time.Second)
				m, err := port.Recv(limited)
				cancel()
				if err == nil {
					fmt.Println(m.From, "says", m.Body)
					return nil
				}
			}
		}
		for _, node := range []struct {
			name string
			boot sim.Boot
		}{{"server", server}, {"client", client}} {
			n, err := w.Node(node.name, node.boot)
			if err != nil {
				return err
			}
			if err := n.Boot(); err != nil {
				return err
			}
		}
		return w.Nodes()[1].Wait()
	}
	result, err := sim.Run(context.Background(), sim.Config{Seed: 1}, main)
	fmt.Println(result.Verdict.Kind, err, requests, "requests")
	// Output:
	// server says pong
	// ok <nil> 2 requests
}
