// Package file keeps blobs and versions in a directory: durable, on one machine.
//
// [Open] locks a directory and returns a [Store]; [Store.Blob] and
// [Store.Consensus] are its two views, as in package memory.
//
// # What it promises
//
// What a call has acknowledged is on the disk: every Set, Delete, CompareAndSet and
// Truncate that returns nil has had its fsyncs, those of directories included. When
// the process is killed, or the machine loses power, all of that is there, and of a
// call that was under way all or nothing. Readers of versions see none that a power
// failure may still take away; an object may be read just before it is durable,
// but nothing refers to one whose Set has not returned.
//
// That is as true as the disk's word for its fsync. Killed processes and fsyncs that
// fail are tested, power failures are not. Contexts are observed between steps.
//
// An error is determinate wherever nothing was begun that others may find: the
// disk is full, the context ended before the turn of the call. It is indeterminate
// from the rename of an object, and the description of a transaction, on. An fsync
// that fails is not tried again, because the second one might succeed without
// having written anything: the store is then broken ([BrokenError]) until it is
// opened anew, after somebody has looked after the disk.
//
// # Who may open it
//
// One process at a time, and one Store in it: a second one gets a [LockedError]
// with the process id of the first. The kernel holds the lock and gives it free
// when the process ends, however it ends. New directories and files are readable by
// their owner alone (0700, 0600); an existing directory keeps its permissions.
//
// Use a local file system, such as ext4, XFS, btrfs, ZFS or APFS. Locks, renames, mapped
// files and fsync of network file systems (NFS, SMB, FUSE) do not keep what is promised
// here. The package builds for Linux, macOS, the BSDs and Windows, where directories
// have no fsync; it is tested on Linux.
//
// With [Options].ReadOnly a store is only looked at, and not a file changes. Any number
// of processes may do so at once, while none has the store open to write; one that
// wants to is refused until they have closed it.
//
// # What is in the directory
//
//	LOCK              the lock, and the process that has it
//	FORMAT            version of this layout, random name of the location, checksum
//	versions.bbolt    all versions: a bbolt database, a bucket for each key and one of all
//	blobs/            a file for each object, such as blobs/<shard>.d/<writer>.d/<part>.blob
//	tmp/              objects that are being written; Open removes what is left over
//
// Objects are stored as they are, for other programs to read. In names all bytes but
// a-z, 0-9, '-' and '_' are escaped as %hh, also for systems that ignore case. Versions
// carry a checksum (CRC32C), objects do not: the engine has its own in them. A copy of
// the directory is a backup if no process has it open.
//
// # What it costs
//
// A version costs two fsyncs, which callers share who come while another one commits, and
// about half a page of 4 KiB if there are many of them, each with a key of its own;
// an object two, and one more for each new directory; a deletion one. List has all keys
// with the prefix in memory. The file of the versions never shrinks, but is used again.
//
// # Simulations
//
// There are no files in a simulation: under a scheduler Open and all calls return
// an error. Use package memory there, and faulty around it. This package is about
// the operating system, so it does not opt in to the rules of simvet; its tasks and
// locks are those of package runtime all the same.
package file
