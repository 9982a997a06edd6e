package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/runtime"
)

// What one process has appended another one finds.
func ExampleOpen() {
	directory, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(directory)
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	for range 2 {
		store, err := file.Open(ctx, rt, directory, file.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		log := store.Consensus(rt)
		head, _, err := log.Head(ctx, "shard")
		fmt.Println(head.SeqNo, err)
		fmt.Println(log.CompareAndSet(ctx, "shard", 0, persist.Versioned{SeqNo: 1, Data: []byte("first")}))
		fmt.Println(store.Close())
	}
	// Output:
	// v0 <nil>
	// true <nil>
	// <nil>
	// v1 <nil>
	// false <nil>
	// <nil>
}

// A directory has one owner at a time.
func ExampleLockedError() {
	directory, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(directory)
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store, err := file.Open(ctx, rt, directory, file.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	_, err = file.Open(ctx, rt, directory, file.Options{})
	var locked *file.LockedError
	fmt.Println(errors.As(err, &locked), locked.PID == os.Getpid())
	// Output:
	// true true
}

// Objects are files whose names tell their keys.
func ExampleStore_Blob() {
	directory, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(directory)
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store, err := file.Open(ctx, rt, directory, file.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	fmt.Println(store.Blob(rt).Set(ctx, "s1/Part 1", []byte("rows")))
	data, err := os.ReadFile(directory + "/blobs/s1.d/%50art%201.blob")
	fmt.Println(string(data), err)
	// Output:
	// <nil>
	// rows <nil>
}
