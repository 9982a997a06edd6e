// Package web talks to others.
//
//sim:deterministic
package web

import (
	"net"
	"net/http"
)

func world(c *http.Client) {
	_, _ = net.Dial("tcp", "x") // want `net.Dial: hide the network behind an interface \(net\)`
	_ = net.JoinHostPort("a", "b")
	_, _ = http.Get("x") // want `http.Get: take a client behind an interface`
	_, _ = c.Get("x")
}
