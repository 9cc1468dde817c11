package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/api"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/backfill"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/difference"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/doctor"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/explain"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/manual"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/record"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/reports"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/resume"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/starter"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/status"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/tests"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// run is the whole program: it returns the exit code instead of exiting. The first interrupt asks for an orderly
// stop, a second one ends the process at once.
func run(ctx context.Context, args []string, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, hangups, unwatch := watchHangups(ctx)
	defer unwatch()
	context.AfterFunc(ctx, stop) // from then on an interrupt or a SIGTERM has its usual effect, also after a hang-up

	out := &written{Writer: std.out}
	std.out = out
	root := newRoot(std, hangups)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.failed()
	}
	if err != nil {
		printError(std.err, cmd, err)
	}
	return exit.Code(err)
}

func newRoot(std stdio, h *hangups) *cobra.Command {
	root := &cobra.Command{
		Use:   "ciobridge",
		Short: "Carry domain events from Kafka or NATS to Customer.io",
		Long: "ciobridge reads domain events from Kafka or NATS JetStream, maps them by rules to Customer.io calls, " +
			"delivers those\nin batches and keeps what cannot be delivered as dead letters that can be replayed.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
	}
	// Cobra's own flag writes "version" between name and version, or uses a template: see byName in TestImports.
	version := root.Flags().BoolP("version", "v", false, "version for ciobridge")
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version {
			return printVersion(cmd, args)
		}
		return cmd.Help()
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit.With(exit.Input, fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath()))
	})
	root.AddCommand(newRun(h), newDemo(), newCheck(), newMap(), newDeadLetters(), newOffsets(), newPublish(),
		newReports(), newEmulate(), newHealthcheck(), newSchema(), newVersion(), api.New(configFlags),
		status.New(), resume.New(), explain.New(configFlags))
	root.AddCommand(tests.New(configFlags), starter.New(), difference.New(configFlags))
	root.AddCommand(backfill.New(configFlags, buildVersion()))
	root.AddCommand(doctor.New(configFlags))
	root.AddCommand(record.New(configFlags))
	root.AddCommand(manual.New(buildVersion()))
	addCobrasOwn(root)
	return root
}

// addCobrasOwn adds the commands that cobra has. Left to themselves they answer to a shell or a command that there is
// not with help and success, or with an exit code of their own.
func addCobrasOwn(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			group(cmd)
			for _, shell := range cmd.Commands() {
				shell.Args = cli.NoArgs
			}
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				about, unknown, err := root.Find(args)
				if err != nil {
					return err
				}
				return noSuchCommand(about, unknown)
			}
		}
	}
}

func newReports() *cobra.Command {
	return group(reports.New(), reports.Commands(configFlags)...)
}

// noSuchCommand refuses what is not the name of a subcommand, and names what may have been meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	meant := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		meant = fmt.Sprintf(", did you mean %q?", near[0])
	}
	return exit.With(exit.Input, fmt.Errorf("%s has no command %q%s (see %s --help)", cmd.CommandPath(), args[0], meant,
		cmd.CommandPath()))
}

// group is a command that only has subcommands.
func group(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(subcommands...)
	return cmd
}

// configFlags adds the flags that say what the configuration is read from.
func configFlags(cmd *cobra.Command, in *config.Input) {
	cmd.Flags().StringArrayVarP(&in.Files, "config", "c", []string{"ciobridge.yaml"}, "the configuration file; given "+
		"again, a later one is merged over those before it")
	cmd.Flags().StringArrayVar(&in.Set, "set", nil, "set one value of the configuration, as path=value, such as "+
		"log.level=debug; may be repeated")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // there is no such flag
	}
}
