// Package determinism is an analyzer (golang.org/x/tools/go/analysis) that
// reports what makes two runs of one program differ, in packages that ask for
// it with a line above their package clause, usually in doc.go:
//
//	//sim:deterministic
//
// It is direct: it looks at one package at a time, and not through calls. Test
// files are exempt unless they carry the line themselves. The rules:
//
//	go           go statements, errgroup
//	chan         channel types, make, send, receive, range, close
//	select       select statements
//	native-lock  blocking primitives of package sync, and sync.Map and sync.Pool
//	clock        time.Now, Sleep, After, timers and tickers
//	context      contexts with real deadlines, or that package runtime can do better
//	rand         global math/rand, crypto/rand
//	map-range    a range over a map in which the order matters
//	map-keys     maps.Keys, Values and All that are not sorted
//	address      %p, pointers as numbers
//	hash         hash/maphash, whose seeds differ between processes
//	os           the operating system: files, processes, environment
//	net          the network
//	goruntime    Go's own runtime: Gosched, finalizers, goroutine counts
//	port         lines that a rewriting has marked "sim:port" for work by hand
//
// A finding says what to use instead. It is suppressed by a comment on its
// line, on the line above, or above the declaration around it:
//
//	//sim:allow <rule> because <reason>
//
// The reason is compulsory. Suppressions that suppress nothing, name no rule or
// give no reason are findings of their own, under the rule "allow".
//
// The findings of the first six rules carry, together, one suggested fix for
// the whole package: the rewriting of package port. It is one fix because types
// change together with their uses.
//
// The analyzer has no facts and no flags, so it runs under every driver: cmd/simvet,
// go vet -vettool, and golangci-lint as a module plugin (a custom binary built
// from a .custom-gcl.yml; register a plugin whose BuildAnalyzers returns
// [Analyzer], with load mode "typesinfo").
package determinism
