// Package service is a model of S3: a service in memory that answers requests as S3
// does, in process, without a network.
//
// A [Service] has buckets with objects, and outlives the processes that use it. In a
// simulated world it is an object of the world, shared by all nodes and their
// incarnations. [Service.Transport] is the way of one process to it, an
// [http.RoundTripper]: each request is one scheduling point of that process, and then
// is answered in one go. What goes wrong on the way is not its business;
// persist/faulty wraps transports.
//
// [NewClient] makes a client of the AWS SDK over any such transport, all of whose
// requests are the same bytes whenever a seed is run again.
//
// The model knows what package s3 needs, and answers 501 to everything else:
//
//   - PutObject, with If-None-Match: * or If-Match, checksums, and encryption by a key
//     of the service, which changes nothing but that ETags are no checksums any more;
//   - GetObject and HeadObject, with ranges, If-Match and If-None-Match;
//   - DeleteObject and DeleteObjects;
//   - ListObjectsV2, in pages, with prefix, start and delimiter;
//   - multipart uploads: create, upload a part, complete (also on a condition), abort, list;
//   - CreateBucket and HeadBucket.
//
// Requests are path-style, have to be signed (the signature is not looked at) and to
// bear the time within 15 minutes, if the service is told what time it is.
//
// A request with a precondition is checked and carried out at once, as S3 promises.
// With [Options.IsCheckThenAct] others may come in between, as with stores that only
// seem to do it; this is there to see that tests notice.
//
// The model and a real server pass the same conformance suite, and answer recorded
// sequences of requests alike.
//
//sim:deterministic
package service
