// Githistory shows what durable, time-versioned collections are, on real data: the
// history of a git repository. It runs on the live runtime.
//
//	go run ./examples/githistory                      # this repository
//	go run ./examples/githistory --repo ~/src/linux --limit 500 --as-of 2026-01-31
//	go run ./examples/githistory --s3 s3://bucket/prefix
//
// It loads the first-parent history into a collection on the disk, or in a bucket, oldest
// commit first. Each file that a commit adds, changes or removes against its first parent
// retracts the old row (path, object, lines) and inserts the new one. Where the walk
// begins after the root, because of the limit or since the clone is shallow, the first
// commit inserts its whole tree. The time of a commit is its commit time in
// milliseconds, or that of the commit before if that is later; commits of one time go
// in one append.
//
// While it goes on loading, it reads the tree as of a date:
//
//   - A read policy lets the since follow the upper at a distance (--lag), so that
//     old trees can be forgotten. A hold keeps the date of --as-of readable all the
//     same. The lines of progress show both: what the policy asks for, and from
//     where on the collection can be read under the hold.
//   - The tree is printed, added up by directory, as soon as the upper is beyond the
//     date. The last commit waits for that, so even a short history is read while it
//     grows. (If the date shows the last commit itself, everything is loaded first.)
//   - Git is asked for the same tree, and both have to agree file by file.
//   - When everything is loaded the tree is read again, and the hold is released.
//     The since moves to where the policy wants it, durably, and a read as of the
//     date is refused, unless the policy keeps it.
//
// # What is counted
//
// Files are the entries of git ls-tree -r: regular files, symbolic links and
// submodules. The lines of a file are its newlines, plus one if the last line does
// not end with one, as in git diff --numstat. Binary files (with a zero byte in their
// first 8,000 bytes, or larger than 512 MiB), symbolic links and submodules have no
// lines. A change of the mode alone changes no row.
//
// Attributes of the work tree have no say in what is a binary file. Those in
// .git/info/attributes can not be kept from git: if they declare a text to be binary,
// or the other way round, the check reports a mismatch.
//
// # Exit codes
//
// 0 ok; 1 failure: no git, no repository, no commits, or the collection and git
// differ; 2 usage; 130 interrupted. They are those of the built program; go run turns
// every failure into 1. Errors are one line on stderr.
//
// # What it does not do
//
// What is in the directory of --dir, or at the prefix of --s3, stays, but this command does not
// open it again: it has no catalog that says which shard it was. All updates are kept within the
// metadata of one shard, whose versions are limited to 64 MiB: that is the limit for
// the changes of one commit, the tree of the first one included, and several hundred
// thousand files are well below it.
package main
