// Package s3 keeps blobs and versions in a bucket: durable, and shared by many processes on many
// machines, which need nothing else to agree.
//
// [Open] opens a prefix of a bucket through a client of the AWS SDK and returns a [Store];
// [Store.Blob] and [Store.Consensus] are its two views. The client is the caller's: region,
// endpoint, path style, credentials and connections are configured there.
//
// # What the store has to do
//
// Conditional writes (If-Match, If-None-Match) have to be atomic, and reading has to see what was
// written: Amazon S3 in general-purpose buckets does that, and many others do. Open makes
// sure, because a store that ignores conditions, or checks them before it acts, loses versions
// late and silently: that it gets wrong what is asked one after another shows at each Open, that it gets
// races wrong when the store is created, or when asked for. Listings have to be in the order
// of the names, which those of directory buckets (S3 Express) are not.
//
// # What is in the bucket
//
//	<prefix>/FORMAT                       version of this layout, random name of the location, checksum
//	<prefix>/blobs/<key>!                 an object, as it is, with its CRC32C in the metadata
//	<prefix>/heads/<key>!                 the newest versions of a key: replaced, never deleted
//	<prefix>/segments/<key>!/<name>       older versions of a key: immutable
//	<prefix>/probes/<random>              gone again in a moment
//
// Keys have letters, digits and '-', '_', '.', '/', because some stores have trouble with more;
// what ends them is explained at checkKey. Bucket rules should abort incomplete uploads and delete
// what is old in probes/. No rule may delete anything else. If FORMAT is missing, and something
// is there, Open refuses: what has lost that has lost more.
//
// # Requests
//
//	Open              1 GET, and the probe: 6 PUT, 1 GET, 1 DELETE, which find conditions ignored.
//	                  [ProbeRaces]: 128 PUT of 64 KiB, 12 GET, 4 DELETE more, which find them checked
//	                  too early. [ProbeNone]: nothing more. The first Open creates the store: both
//	                  probes, 1 LIST, 1 PUT, 1 GET; that it was created says that both were passed.
//	Blob.Get          1 GET for each part of 8 MiB
//	Blob.Set          1 PUT; for more than 8 MiB 1 PUT for each part and 2 POST
//	Blob.Delete       1 HEAD, 1 DELETE
//	Blob.Restore      1 HEAD; if the object is gone 1 LIST of its versions, 1 DELETE of what hides it
//	List, ListKeys    1 LIST for each 1,000 keys
//	CompareAndSet     1 PUT if the head is known; 1 GET before if it is not, or after a lost race.
//	                  The first version of a key: 1 GET of FORMAT before. After about 100 versions,
//	                  or 64 KiB, 2 PUT that move the older ones into a segment
//	Head, Scan        1 GET, without a body if nothing is new; Scan: 1 GET for each segment that has some
//	                  of the versions
//	Truncate          1 PUT, 1 DELETE for each segment
//	Sweep             1 GET, 1 LIST, 1 PUT, 1 DELETE for each segment
//
// Only Open of a new store, the lists, Restore and Sweep cost a LIST.
//
// # Time limits and retries
//
// Three layers wait and repeat, each only what is safe to repeat there:
//
//   - A request is sent once, on the task that asks. It fails if the first byte of the answer is not
//     there after [Limits].FirstByte (for a write: and the time that its data may take), or all of
//     it after [Limits].Attempt. The SDK's own retries are off, whatever the client says: one that hides
//     a lost answer turns a commit into a mismatch. How long connecting may take is the
//     client's business.
//   - Reads, unconditional writes and deletions are repeated until [Limits].Operation has passed, with
//     pauses of 4 ms, doubling up to 16 s, with jitter. A conditional write is not: the protocol of the
//     versions (package head) looks first what has become of it.
//   - What fails after that goes to the engine, which has its own policy for each class of error.
//
// A commit that is refused because another process was first says so at once; from the second in a
// row on it does after a pause, of as long as it took, doubling up to 16 times that and at most 1 s:
// those who write as fast as they can would otherwise keep each other from it.
//
// [Options].HedgeAfter asks a second time for what takes long to begin.
//
// # Errors
//
//	[RequestError]         what a request met with. ErrDeterminate: it certainly has had no effect. ErrUsage
//	                       as well: permissions, credentials, bucket, clock; asking again is no use.
//	                       ErrIndeterminate: a write of which nobody knows
//	[IndeterminateError]   the same for a whole CompareAndSet or Truncate
//	[CapabilityError]      the store is not fit
//	[LocationError]        something else is at the prefix
//	persist.VersionError, persist.CorruptionError
//	                       FORMAT, a head or a segment is of a newer program, damaged, gone, or went back;
//	                       an object has another checksum than was written. What comes damaged is read
//	                       five times before that is said
//
// That there is no object is believed only of an answer that says so of the key (NoSuchKey). No bucket,
// no permission, the 404 of a proxy are errors. Errors and logs have names of objects in them, and
// what the store says; never credentials, nor data.
//
// # Simulations
//
// All waiting, chance and time is that of the runtime, and requests are made on the task that needs
// them: with a client whose round trips yield to the runtime the package runs in a simulation
// as it is. What the SDK itself takes from the clock and from chance are signatures and request ids.
//
//sim:deterministic
package s3
