// Package allows suppresses findings.
//
//sim:deterministic
package allows

import (
	"sync"
	"time"
)

type store struct {
	mu sync.Mutex //sim:allow native-lock because nothing parks under it
	//sim:allow native-lock because nothing parks under it either
	other sync.Mutex
	third sync.Mutex // want `sync.Mutex`
}

// started is measured by the operator's clock.
//
//sim:allow clock, go because it runs in package main only
func started() time.Time {
	go println()
	return time.Now()
}

func reasons() {
	time.Sleep(1) //sim:allow clock // want `it gives no reason \(allow\)`
	time.Sleep(1) //sim:allow clock because // want `it gives no reason`
	time.Sleep(1) //sim:allow because I say so // want `it names no rule` `time.Sleep`
	time.Sleep(1) //sim:allow clocks because of a typing error // want `there is no rule "clocks"; the rules are go, chan` `time.Sleep`
	println(1)    //sim:allow clock because there was one here once // want `unused suppression of clock: remove it \(allow\)`
	time.Sleep(1) //sim:allow go because the rule is another one // want `unused suppression of go` `time.Sleep`
	time.Sleep(1) // want `time.Sleep`
}
