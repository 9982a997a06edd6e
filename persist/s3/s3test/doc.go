// Package s3test gives tests a real S3 server, with nothing installed beforehand.
//
// [Start] returns a [Server]; [Server.Client] is a client of it, [Server.Prefix] a
// place for one test that nobody else uses:
//
//	server := s3test.Start(t)
//	store, err := s3.Open(ctx, rt, server.Client(nil), server.Bucket, server.Prefix(t), s3.Options{})
//
// The server is versitygw, a gateway in front of a directory, whose conditional writes
// are atomic. The Go tool builds it on first use, from the module persist/s3/internal/s3server,
// which nothing else depends on: that takes one to three minutes once, and about a second
// from then on. A lock on a file keeps two packages from doing it twice. To have it built
// beforehand:
//
//	CGO_ENABLED=0 go -C persist/s3/internal/s3server tool -n versitygw
//
// It listens on a unix socket, so that there is no port to race for, and keeps its objects in
// memory where the system has a file system for that. All tests of a process share one server,
// which ends with the last of them, or on Linux with the process, however that ends.
//
// # Environment
//
//	S3_TEST_ENDPOINT   another server to use instead, such as http://127.0.0.1:9000, with
//	S3_TEST_KEY        the access key id,
//	S3_TEST_SECRET     the secret access key,
//	S3_TEST_BUCKET     a bucket that exists, of which a prefix for each test is used, and
//	S3_TEST_REGION     its region; us-east-1 if that is empty.
//	REQUIRE_S3=1       a server that cannot be had is a failure and not a reason to skip
//
// [Server.Environment] returns the first five for a process that a test starts, and
// [FromEnvironment] reads them there. Tests under -short skip, whatever REQUIRE_S3 says.
//
// The package starts goroutines and processes, and is not for simulations.
package s3test
