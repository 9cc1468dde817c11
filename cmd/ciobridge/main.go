package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config/reference"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
)

func main() {
	app.NoCoreDumps()
	os.Exit(run(context.Background(), os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// version is set by the linker for releases.
var version = ""

// buildVersion is the release, or what the Go toolchain recorded of the source.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return "devel"
}

// printVersion is what --version and the command version do.
func printVersion(cmd *cobra.Command, _ []string) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "ciobridge %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS,
		runtime.GOARCH)
	return err
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cli.NoArgs,
		RunE:  printVersion,
	}
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema config|rules",
		Short: "Write the JSON Schema of a configuration or of a rule file, for editors",
		Long: "Write the JSON Schema (draft 7) of a configuration or of a rule file. Editors with the YAML language " +
			"server complete keys,\nshow what they mean and mark what is wrong, where the first line of a file is\n\n" +
			"  # yaml-language-server: $schema=PATH",
		Example: "  ciobridge schema config > ciobridge.schema.json\n" +
			"  ciobridge schema rules > rules.schema.json",
		ValidArgs: reference.Names(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.With(exit.Input, fmt.Errorf("%s: want %s (see %s --help)", cmd.CommandPath(),
					choice.List(reference.Names()), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := reference.Schema(args[0])
			if err != nil {
				return exit.With(exit.Input, fmt.Errorf("%w: want %s%s", err, choice.List(reference.Names()),
					choice.Near(args[0], reference.Names())))
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}
