package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// New makes the hidden command man, which writes the pages of section 1 to a folder. The version stands at the foot of
// each page. The pages have no date, so that they are the same wherever they are made.
func New(version string) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write the manual pages to a directory",
		Long:    "Write the manual pages of all commands to a directory, which is made where it is not there.",
		Example: "  ciobridge man man1 && man -l man1/ciobridge.1",
		Hidden:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.With(exit.Input, fmt.Errorf("%s: want the directory to write to (see %s --help)",
					cmd.CommandPath(), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make the directory of the manual pages: %w", err)
			}
			pages, err := writePages(args[0], cmd.Root(), version)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d pages written to %s\n", pages, args[0])
			return err
		},
	}
}

// writePages writes the page of a command and those of the commands below it, and counts them.
func writePages(dir string, cmd *cobra.Command, version string) (pages int, err error) {
	path := filepath.Join(dir, pageName(cmd)+".1")
	if err := os.WriteFile(path, []byte(page(cmd, version)), 0o644); err != nil {
		return 0, fmt.Errorf("write a manual page: %w", err)
	}
	pages = 1
	for _, sub := range shown(cmd) {
		below, err := writePages(dir, sub, version)
		if err != nil {
			return 0, err
		}
		pages += below
	}
	return pages, nil
}

// pageName is the name under which man finds the page of a command.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// shown lists the subcommands that have a page.
func shown(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			list = append(list, sub)
		}
	}
	return list
}
