package starter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// New makes the command.
func New() *cobra.Command {
	given := map[string]*string{}
	var defaults bool
	var out cli.Format
	cmd := &cobra.Command{
		Use:   "init [folder]",
		Short: "Write a first configuration, a rule file and a test",
		Long: "Write ciobridge.yaml, a rule file and a file with its tests into a folder, which is the current one " +
			"unless it is named.\nOn a terminal, what no flag says is asked; elsewhere, and with --defaults, it has " +
			"its default.\n\n`ciobridge check` and `ciobridge test` accept what is written. No file is overwritten.",
		Example: "  ciobridge init\n" +
			"  ciobridge init bridge --source nats --servers nats://nats:4222 --topic ORDERS --event order.placed",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exit.With(exit.Input, fmt.Errorf("want one folder, got %d", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a := answers{}
			for flag, value := range given {
				if cmd.Flags().Changed(flag) {
					a[flag] = *value
				}
			}
			if !defaults && isTerminal(cmd) && a.given() == nil {
				if err := a.ask(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
					return exit.With(exit.Input, err)
				}
			}
			if err := a.complete(); err != nil {
				return exit.With(exit.Input, err)
			}
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if err := write(dir, a.files()); err != nil {
				return exit.With(exit.Input, err)
			}
			return tell(cmd, dir, a.files(), out)
		},
	}
	for _, q := range questions {
		text := q.text
		if len(q.choices) > 0 {
			text += ": " + choice.List(q.choices)
		}
		given[q.flag] = cmd.Flags().String(q.flag, "", text)
		if len(q.choices) > 0 {
			cli.Complete(cmd, q.flag, q.choices...)
		}
	}
	cmd.Flags().BoolVar(&defaults, "defaults", false, "ask nothing: what no flag says has its default")
	cli.OutputFlag(cmd, &out)
	return cmd
}

// given says what is wrong with what flags say, before anything is asked.
func (a answers) given() error {
	for i := range questions {
		if answer, ok := a[questions[i].flag]; ok && questions[i].accept(answer) != nil {
			return fmt.Errorf("--%s", questions[i].flag)
		}
	}
	return nil
}

func isTerminal(cmd *cobra.Command) bool {
	in, ok := cmd.InOrStdin().(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// write makes the files in a folder once all of them are right, and none is there.
func write(dir string, files []file) error {
	if err := prove(files); err != nil {
		return err
	}
	var there []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			there = append(there, filepath.Join(dir, f.name))
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("there already, and not overwritten: %s; nothing was written", choice.And(there))
	}
	return create(dir, files)
}

func create(dir string, files []file) error {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = out.WriteString(f.text)
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}

// prove checks files as check does it, in a folder that is removed again.
func prove(files []file) error {
	dir, err := os.MkdirTemp("", "ciobridge-init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := create(dir, files); err != nil {
		return err
	}
	set, err := ruleset.Read(config.File(filepath.Join(dir, files[0].name)), nil)
	if err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	for _, f := range set.Files {
		for _, r := range ruletest.Run(set.Rules, f.Tests, filepath.Dir(f.Path)) {
			if len(r.Diffs) > 0 {
				return fmt.Errorf("the test %q fails: %s; is --person right for such events?", r.Name,
					strings.Join(r.Diffs, "; "))
			}
		}
	}
	return nil
}

// tell says what was written, and what to do next.
func tell(cmd *cobra.Command, dir string, files []file, out cli.Format) error {
	var names []string
	for _, f := range files {
		names = append(names, filepath.Join(dir, f.name))
	}
	w := cmd.OutOrStdout()
	if out == cli.JSON {
		return output.JSON(w, map[string]any{"files": names})
	}
	for _, name := range names {
		fmt.Fprintf(w, "wrote %s\n", name)
	}
	fmt.Fprintf(w, "try it: ciobridge check -c %s && ciobridge test -c %s --coverage\n", names[0], names[0])
	return nil
}
