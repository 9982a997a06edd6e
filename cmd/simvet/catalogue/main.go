package catalogue

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Main runs "simvet catalogue" with the arguments behind it, and returns the exit code: 0,
// 1 if an id is used with two kinds, 2 for bad arguments and packages that cannot be
// loaded.
func Main(arguments []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("simvet catalogue", flag.ContinueOnError)
	flags.SetOutput(errs)
	file := flags.String("o", "", "write to this file instead")
	flags.Usage = func() {
		fmt.Fprintln(errs, "usage: simvet catalogue [-o FILE] PACKAGE...")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() == 0:
		flags.Usage()
		return 2
	}
	found, err := Collect(".", flags.Args()...)
	if err == nil {
		err = write(*file, out, found)
	}
	if err != nil {
		fmt.Fprintln(errs, "simvet:", err)
		return 2
	}
	for _, conflict := range found.Conflicts() {
		fmt.Fprintln(errs, "simvet:", conflict)
	}
	if len(found.Conflicts()) > 0 {
		return 1
	}
	return 0
}

func write(file string, out io.Writer, found *Found) error {
	text := found.String()
	if file == "" {
		_, err := io.WriteString(out, text)
		return err
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, []byte(text)) {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o666)
}
