package runtime

import "errors"

// ErrClosed is returned by a receive from a closed channel that is empty.
var ErrClosed = errors.New("runtime: channel closed")

// plainError is a panic value with the text that Go's own runtime uses.
type plainError string

func (e plainError) Error() string { return string(e) }

// RuntimeError marks the value as one of Go's runtime errors.
func (e plainError) RuntimeError() {}

const (
	errSendOnClosed  = plainError("send on closed channel")
	errCloseOfClosed = plainError("close of closed channel")
	errCloseOfNil    = plainError("close of nil channel")
	errNegativeChan  = plainError("makechan: size out of range")
)
