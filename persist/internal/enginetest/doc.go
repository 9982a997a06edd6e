// Package enginetest tests what the engine promises over a durable store when its processes die at any
// moment: no append that was acknowledged is lost, none is there twice, every read is that of a model, and
// nothing that is needed is deleted.
//
// [Live] is the life of a process that is to be killed: it checks what earlier ones have left, then does
// what its [Role] says, and says on its standard output what it is about to append and what was
// acknowledged. [Witness] hears that, outside of the store. [Witness.Finish] looks at the end
// whether it is so, and brings the shard to its end. Which updates belong to a time is a function of the
// time, so that the contents of a shard are known from its upper alone.
//
// What starts and kills the processes is persist/internal/processtest; the tests of persist/file, with one
// process at a time, and of persist/s3, with several, bring the store and the roles.
package enginetest
