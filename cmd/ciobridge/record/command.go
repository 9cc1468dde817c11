package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/pseudonym"
)

// flags are what the command is told.
type flags struct {
	in             config.Input
	out            cli.Format
	selection      selection
	from, to, file string
	personal, keep []string
	dryRun         bool
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Record events of the source as tests of rules, without their personal data",
		Long: "Read events from the source, beside whoever reads it, and write them as golden tests that `ciobridge " +
			"test` runs.\nNothing is sent, and nothing is committed.\n\n" +
			"Personal data become made-up values of the same shape: the same value becomes the same one throughout, " +
			"and nobody\ncan tell the original. Personal is what rules take for the person, what has a name such as " +
			"email, phone or first_name,\nwhat looks like an address of mail, an IP address or a phone number, what " +
			"stands at a --personal path, and the same values\nelsewhere. The paths of what was replaced and of " +
			"texts that were kept are told: look through them before the files\nare shared.",
		Example: "  ciobridge record --topic shop.orders --per-type 3 --out tests/orders.yaml\n" +
			"  ciobridge record --rule order --from 24h --personal data.note --keep data.items.name --dry-run",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.record(cmd) },
	}
	configFlags(cmd, &f.in)
	cli.OutputFlag(cmd, &f.out)
	set := cmd.Flags()
	set.StringArrayVar(&f.selection.topics, "topic", nil, "only events of this topic or stream; may be repeated")
	set.StringArrayVar(&f.selection.types, "type", nil, "only events of this type, in which * stands for anything; "+
		"may be repeated")
	set.StringArrayVar(&f.selection.rules, "rule", nil, "only events of which this rule makes calls or dead letters; "+
		"may be repeated")
	set.IntVar(&f.selection.limit, "limit", 20, "how many events to record")
	set.IntVar(&f.selection.perType, "per-type", 0, "how many events of each type at most; 0 for no limit")
	set.StringVar(&f.from, "from", "", "only events that the broker got at this time or later: RFC 3339, a date, or "+
		"how long ago such as 24h")
	set.StringVar(&f.to, "to", "", "only events that the broker got before this time")
	set.StringVar(&f.file, "out", "recorded.yaml", "the file of tests, which must not be there yet; the golden file "+
		"stands beside it")
	set.StringArrayVar(&f.personal, "personal", nil, "the end of a path that is personal with all that is in it, such "+
		"as data.note, key or headers.user; may be repeated")
	set.StringArrayVar(&f.keep, "keep", nil, "the end of a path that is not personal, whatever its name; may be "+
		"repeated")
	set.BoolVar(&f.dryRun, "dry-run", false, "write nothing: tell what would be recorded and replaced")
	return cmd
}

func (f *flags) record(cmd *cobra.Command) error {
	set, err := ruleset.Read(f.in, nil)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	to := newTests(f.file)
	if err := errors.Join(f.times(), f.selection.check(set.Rules)); err != nil {
		return exit.With(exit.Input, err)
	}
	if !f.dryRun {
		if err := to.free(); err != nil {
			return exit.With(exit.Input, err)
		}
	}
	r, err := f.read(cmd, &set)
	if err != nil {
		return err
	}
	if len(r.taken) == 0 {
		return exit.With(exit.Input, fmt.Errorf("none of %s that were read can be recorded: look at --topic, --type, "+
			"--rule, --from and --to", output.Count(r.read, "event")))
	}
	told := report{Events: len(r.taken), Read: r.read, Unreadable: r.unreadable}
	list := f.replace(&set, r.taken, &told)
	if !f.dryRun {
		if err := to.write(set.Rules, list); err != nil {
			return err
		}
		told.Files = []string{to.path, strings.TrimSuffix(to.path, lastOf(to.path)) + to.golden}
	}
	return told.print(cmd, f.out)
}

func (f *flags) times() error {
	now := time.Now()
	var errFrom, errTo error
	if f.selection.between.From, errFrom = cli.ParseTime(f.from, now); errFrom != nil {
		errFrom = fmt.Errorf("--from: %w", errFrom)
	}
	if f.selection.between.To, errTo = cli.ParseTime(f.to, now); errTo != nil {
		errTo = fmt.Errorf("--to: %w", errTo)
	}
	return errors.Join(errFrom, errTo)
}

// read reads the source until there are enough events.
func (f *flags) read(cmd *cobra.Command, set *ruleset.Set) (*reading, error) {
	log, err := cli.QuietLogger(cmd, f.out == cli.JSON)
	if err != nil {
		return nil, err
	}
	source, err := cli.OpenSource(cmd.Context(), set.Config, set.Rules, log)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	r := &reading{selection: &f.selection, rules: set.Rules, byType: map[string]int{}}
	if err := r.take(cmd.Context(), source); err != nil {
		if errors.Is(err, context.Canceled) {
			err = fmt.Errorf("interrupted after %s: nothing was written", output.Count(r.read, "event"))
		}
		return nil, err
	}
	return r, nil
}

// replace makes values up in place of personal ones, and notes where the rules make something else of an event then.
func (f *flags) replace(set *ruleset.Set, list []recorded, told *report) []recorded {
	r := pseudonym.New(pseudonym.Options{Keep: f.keep,
		Personal: slices.Concat(personalPaths(set.Mapping.Rules), []string{keyPath}, f.personal)})
	for _, one := range list {
		replace(r, one.message, true)
	}
	out := make([]recorded, len(list))
	for i, one := range list {
		out[i] = recorded{replace(r, one.message, false), one.typ}
		if !slices.Equal(steps(set.Rules, one.message), steps(set.Rules, out[i].message)) {
			told.Changed++
		}
	}
	told.Replaced, told.Kept = r.Replaced(), r.Kept()
	return out
}

// report is what was recorded.
type report struct {
	Events     int            `json:"events"`
	Read       int            `json:"read"`
	Unreadable int            `json:"unreadable,omitempty"` // chosen, and left out
	Changed    int            `json:"changed,omitempty"`    // of which rules make something else
	Replaced   map[string]int `json:"replaced"`
	Kept       map[string]int `json:"kept"`
	Files      []string       `json:"files,omitempty"`
}

func (r *report) print(cmd *cobra.Command, f cli.Format) error {
	w := cmd.OutOrStdout()
	if f == cli.JSON {
		return output.JSON(w, r)
	}
	for _, list := range []struct {
		words string
		paths map[string]int
	}{{"replaced", r.Replaced}, {"kept", r.Kept}} {
		for _, path := range slices.Sorted(maps.Keys(list.paths)) {
			fmt.Fprintf(w, "%-8s  %s, %s\n", list.words, output.Dash(path), output.Count(list.paths[path], "value"))
		}
	}
	if r.Unreadable > 0 {
		fmt.Fprintf(w, "left out because nobody can tell what is personal in what is no JSON: %s\n",
			output.Count(r.Unreadable, "event"))
	}
	if r.Changed > 0 {
		fmt.Fprintf(w, "of %s the rules make something else without their personal data: name with --keep what rules "+
			"depend on\n", output.Count(r.Changed, "event"))
	}
	if len(r.Files) == 0 {
		_, err := fmt.Fprintf(w, "%s of %d read would be recorded\n", output.Count(r.Events, "event"), r.Read)
		return err
	}
	_, err := fmt.Fprintf(w, "%s of %d read recorded in %s; look through what was kept before you share them\n",
		output.Count(r.Events, "event"), r.Read, strings.Join(r.Files, " and "))
	return err
}

// lastOf is the name of a file without its folder.
func lastOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
