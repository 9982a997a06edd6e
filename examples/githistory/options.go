package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
)

// options are what the command line asks for.
type options struct {
	// repository is a directory in the repository; empty is the current one.
	repository string
	// directory is where the collection is stored; empty is a temporary directory,
	// which is removed in the end.
	directory string
	// bucket is the s3:// URL of where it is stored instead; empty is in a directory.
	bucket string
	// limit is how many commits are loaded at most.
	limit int
	// asOf is the date to read as of; zero is the middle of what is loaded.
	asOf time.Time
	// lag is how much history the policy keeps; zero is a tenth of what is loaded.
	lag time.Duration
}

// usageError says what is wrong with the command line.
type usageError struct{ message string }

// Error implements error.
func (e *usageError) Error() string { return e.message }

func misuse(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errHelp asks for the usage, and nothing else.
var errHelp = flag.ErrHelp

// parseOptions reads the command line. The error is a [*usageError] or errHelp.
func parseOptions(args []string) (options, error) {
	o, flags := newFlags()
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return *o, errHelp
	case err != nil:
		return *o, misuse("%v", err)
	case flags.NArg() > 0:
		return *o, misuse("unexpected argument %q", flags.Arg(0))
	case o.bucket != "" && o.directory != "":
		return *o, misuse("--dir and --s3: a collection is in one place")
	case o.limit < 1:
		return *o, misuse("--limit %d: it has to be at least 1", o.limit)
	case o.lag < 0:
		return *o, misuse("--lag %v: it is negative", o.lag)
	case o.lag%time.Millisecond != 0:
		return *o, misuse("--lag %v: times are whole milliseconds", o.lag)
	}
	return *o, nil
}

func newFlags() (*options, *flag.FlagSet) {
	o := &options{}
	flags := flag.NewFlagSet("githistory", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.repository, "repo", "", "a `directory` in the repository (default: the current one)")
	flags.StringVar(&o.directory, "dir", "", "store the collection in this `directory`, which is empty or\n"+
		"not there yet (default: a temporary one, which is removed)")
	flags.Func("s3", "store it in a bucket instead, at this `URL`, as s3://bucket/prefix, which is empty;\n"+
		"AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for servers that are\n"+
		"not those of AWS, AWS_ENDPOINT_URL say the rest", func(url string) error {
		if o.bucket = url; !strings.HasPrefix(url, s3env.Scheme) {
			return errors.New("it is not like s3://bucket/prefix")
		}
		return nil
	})
	flags.IntVar(&o.limit, "limit", 2000, "load the latest `n` commits at most")
	flags.Func("as-of", "read as of this `date`, as 2026-01-31 (the end of that day, in UTC)\n"+
		"or 2026-01-31T12:00:00Z (default: the middle of the commits)", func(text string) (err error) {
		o.asOf, err = parseDate(text)
		return err
	})
	flags.DurationVar(&o.lag, "lag", 0, "let the policy keep so much history, a `duration` such as 720h\n"+
		"(default: a tenth of what is loaded)")
	return o, flags
}

// parseDate reads a date, which means the last millisecond of that day in UTC, or
// an RFC 3339 time.
func parseDate(text string) (time.Time, error) {
	date, err := time.Parse(time.DateOnly, text)
	if err == nil {
		date = date.AddDate(0, 0, 1).Add(-time.Millisecond)
	} else if date, err = time.Parse(time.RFC3339, text); err != nil {
		return time.Time{}, errors.New("neither a date like 2026-01-31 nor a time like 2026-01-31T12:00:00Z")
	}
	if date.Before(time.UnixMilli(0)) {
		return time.Time{}, errors.New("it is before 1970")
	}
	return date, nil
}

// usage is what -h prints.
func usage() string {
	var text strings.Builder
	text.WriteString("Usage: githistory [flags]\n\n" +
		"Loads the first-parent history of a git repository into a durable collection, reads\n" +
		"the tree as of a date while it goes on loading, and compares it with what git says.\n\n")
	_, flags := newFlags()
	flags.SetOutput(&text)
	flags.PrintDefaults()
	text.WriteString("\nExit codes: 0 ok, 1 failure, 2 usage, 130 interrupted.\n")
	return text.String()
}
