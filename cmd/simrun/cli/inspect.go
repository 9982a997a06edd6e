package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

func (e *environment) inspectCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect URL [SHARD]",
		Short: "Look into a store",
		Long: `Inspect lists the shards of a store, or tells all about one of them: its frontiers,
who holds it, its batches, and which objects are needed, by whom, or by nobody. The
URL is file://DIRECTORY, or file://FILE for the dump of a store in memory, or
s3://BUCKET/PREFIX; the shard is its id or the beginning of one.

  simrun inspect file:///var/lib/orders          every shard, one line each
  simrun inspect file:///var/lib/orders s01      one shard
  simrun inspect s3://bucket/orders s01          one shard in a bucket

It changes nothing, and never shows the contents of rows. A directory that a running
process has open is left alone, and the process named; one that wants to open it
meanwhile is refused. A bucket may be in use, and needs no permission but to read and
to list. Where it is, and who asks, say the variables AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, and AWS_ENDPOINT_URL for other servers.

Exit codes: 0; 1 something is damaged or missing; 2 there is no such store or shard,
or no right to read it; 5 the store is in use, or of a newer format, or cannot be read.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("inspect takes the URL of a store, and perhaps a shard")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "human" && format != "json" {
				return usagef("--format %q is neither human nor json", format)
			}
			return e.unlessInterrupted(cmd.Context(), e.judge(e.inspect(cmd.Context(), args, format)))
		},
	}
	cmd.Flags().StringVar(&format, "format", "human", "human or json")
	return cmd
}

// judge tells an error whose exit code is 1, and returns any other.
func (e *environment) judge(err error) error {
	switch {
	case errors.Is(err, persist.ErrCorruption):
		fmt.Fprintln(e.err, "simrun:", err)
		e.code = sweep.Worst(e.code, sweep.CodeViolation)
		return nil
	case errors.Is(err, persist.ErrUsage):
		return usageError{err}
	}
	return err
}

func (e *environment) inspect(ctx context.Context, args []string, format string) (err error) {
	store, err := openStore(ctx, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	ids, err := store.shards(ctx)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return e.inspectAll(ctx, store, ids, format)
	}
	id, err := chooseShard(ids, args[1])
	if err != nil {
		return err
	}
	usage, err := store.usage(ctx, id)
	if err != nil {
		return err
	}
	if len(usage.Missing) > 0 {
		e.code = sweep.CodeViolation
	}
	if format == "json" {
		return writeJSON(e.out, describeShard(id, usage))
	}
	return tellShard(e.out, id, usage)
}

// inspectAll lists the shards. One that cannot be read does not hide the others.
func (e *environment) inspectAll(ctx context.Context, store *openedStore, ids []persist.ShardID, format string) error {
	var all []summary
	for _, id := range ids {
		usage, err := store.usage(ctx, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, persist.ErrCorruption), err == nil && len(usage.Missing) > 0:
			e.code = sweep.Worst(e.code, sweep.CodeViolation)
		case err != nil:
			e.code = sweep.Worst(e.code, sweep.CodeHarness)
		}
		all = append(all, summarise(id, usage, err))
	}
	if format == "json" {
		return writeJSON(e.out, describeStore(all))
	}
	return tellStore(e.out, all)
}

// chooseShard finds the shard whose id begins as the text says.
func chooseShard(ids []persist.ShardID, text string) (persist.ShardID, error) {
	prefix := "s" + strings.TrimPrefix(text, "s")
	var found []persist.ShardID
	for _, id := range ids {
		if strings.HasPrefix(id.String(), prefix) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return persist.ShardID{}, usagef("there is no shard %q; without it the command lists all", text)
	case 1:
		return found[0], nil
	}
	return persist.ShardID{}, usagef("%d shards begin with %q, %v and %v among them", len(found), text, found[0], found[1])
}
