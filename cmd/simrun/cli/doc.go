// Package cli is the command line of simrun, for any list of scenarios. A
// program that sweeps scenarios of its own is
//
//	package main
//
//	func main() { os.Exit(cli.Main(os.Args[1:], []sim.Scenario{transfer(), failover()})) }
//
// [Main] reads flags and the environment, runs one command and returns the
// exit code: 0 everything asked for ran and held, 1 something was found wrong,
// 2 usage, 3 inconclusive, 4 a seed did not repeat, 5 the harness failed, 130
// interrupted. Results go to standard output, progress and hints to standard
// error.
package cli
