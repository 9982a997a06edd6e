// Package wiretest keeps records from changing: it compares what a test stores with golden
// files, of the same records as some release has stored them.
//
// A golden file has the record twice: in diagnostic notation (RFC 8949), for people, with a
// line for each outer field, and in hexadecimal, for the test. [Golden] compares both and
// returns the bytes of the file, for the test to decode. [ReadGolden] is for records of formats
// that are no longer written.
//
// Golden files never change: what they show has to be read for ever, and by other versions of
// the program at the same time. Whoever changes a format makes a new version of it, and new
// files.
//
// The tests of packages with records in the envelope of package wire use it: persist/internal/state
// and persist/s3/internal/head.
package wiretest
