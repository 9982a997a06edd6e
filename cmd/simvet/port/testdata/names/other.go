package names

import "runtime"

func (b *box) send() {
	_ = runtime.Version()
	b.ch <- 1
	var ready chan int
	<-ready
}
