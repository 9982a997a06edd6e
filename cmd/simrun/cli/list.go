package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (e *environment) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios, one line each",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
			for _, s := range e.scenarios {
				doc := s.Doc
				if s.Named {
					doc += " (runs only when named)"
				}
				if len(s.Faults) > 0 {
					doc += " [" + strings.Join(s.Faults, " ") + "]"
				}
				fmt.Fprintf(table, "%s\t%s\n", s.Name, doc)
			}
			return table.Flush()
		},
	}
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
