package tests

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// flags are what the command is told.
type flags struct {
	in       config.Input
	out      cli.Word
	run      string
	mask     []string
	update   bool
	coverage bool
	least    float64
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "test [rule file]...",
		Short: "Run the tests of rules, count what they reach, write golden files",
		Long: "Run the tests that stand in the rule files of a configuration, or in the named files alone. With -c " +
			"and files, the\nfiles hold only tests, which run against the rules of the configuration. Neither a " +
			"broker nor a secret is needed.\n\n" +
			"Lines of what failed are annotated for GitHub where GITHUB_ACTIONS is true, and with -o github.\n\n" +
			"The exit code is 2 for mistakes, and where there is no test to run; and 6 for tests that fail, and " +
			"for less coverage\nthan is wanted.",
		Example: "  ciobridge test -c ciobridge.yaml --coverage\n" +
			"  ciobridge test rules/*.yaml --run '^order' -o junit > report.xml\n" +
			"  ciobridge test -c ciobridge.yaml recorded.yaml --update",
		RunE: func(cmd *cobra.Command, files []string) error { return f.test(cmd, files) },
	}
	configFlags(cmd, &f.in)
	cli.FormsFlag(cmd, &f.out, asJUnit, asTAP, cli.GitHub)
	set := cmd.Flags()
	set.StringVar(&f.run, "run", "", "run only the tests whose name this regular expression matches somewhere")
	set.StringArrayVar(&f.mask, "mask", nil, "a place in calls whose value varies, such as data.receipt_id; may be "+
		"repeated, and counts for all tests")
	set.BoolVar(&f.update, "update", false, "write what the rules make now into the golden files before the tests run")
	set.BoolVar(&f.coverage, "coverage", false, "tell which rules, calls and conditions no test reaches")
	set.Float64Var(&f.least, "min-coverage", 0, "the least coverage in percent; less is a failure")
	return cmd
}

func (f *flags) test(cmd *cobra.Command, files []string) error {
	chosen, err := f.chosen()
	if err != nil {
		return exit.With(exit.Input, err)
	}
	set, testFiles, err := f.read(cmd, files)
	if err != nil {
		if f.out.Annotates() {
			cli.AnnotateMistakes(cmd.ErrOrStderr(), cli.ErrorLevel, mistake.Sorted(mistake.All(err)))
		}
		return exit.With(exit.Input, err)
	}
	r := report{Name: set.Name, Files: len(testFiles)}
	suites := f.suites(testFiles, chosen)
	if f.update {
		if r.Written, err = update(set.Rules, suites); err != nil {
			return err
		}
	}
	var results []ruletest.Result
	for i := range suites {
		results = append(results, suites[i].Run(set.Rules)...)
	}
	if len(results) == 0 {
		return exit.With(exit.Input, f.nothing(set.Name))
	}
	r.add(results)
	if f.coverage || f.least > 0 {
		c := ruletest.Cover(set.Mapping.Rules, results)
		r.Coverage, r.least = &c, f.least
	}
	if err := r.print(cmd, &f.out); err != nil {
		return err
	}
	return r.verdict()
}

// read reads the rules, and the files whose tests are run.
func (f *flags) read(cmd *cobra.Command, files []string) (ruleset.Set, []config.RuleFile, error) {
	if len(files) == 0 || !cmd.Flags().Changed("config") && len(f.in.Set) == 0 {
		set, err := ruleset.Read(f.in, files)
		return set, set.Files, err
	}
	set, errSet := ruleset.Read(f.in, nil)
	tests, errTests := ruleset.Tests(files)
	return set, tests, errors.Join(errSet, errTests)
}

func (f *flags) chosen() (func(string) bool, error) {
	switch {
	case f.least < 0 || f.least > 100:
		return nil, fmt.Errorf("--min-coverage: %g is no percentage: want 0 to 100", f.least)
	case f.least > 0 && f.run != "":
		return nil, errors.New("--min-coverage is about all tests: leave --run out")
	}
	for _, m := range f.mask {
		if !ruletest.Mask(m) {
			return nil, fmt.Errorf("--mask %q: want names with dots between, such as data.total", m)
		}
	}
	if f.run == "" {
		return nil, nil
	}
	pattern, err := regexp.Compile(f.run)
	if err != nil {
		return nil, fmt.Errorf("--run: %w", err)
	}
	return pattern.MatchString, nil
}

func (f *flags) suites(files []config.RuleFile, chosen func(string) bool) (suites []ruletest.Suite) {
	for _, file := range files {
		suites = append(suites, ruletest.Suite{Tests: file.Tests, Dir: filepath.Dir(file.Path), Mask: f.mask,
			Chosen: chosen})
	}
	return suites
}

// nothing is the error where no test was run, which a CI must not take for success.
func (f *flags) nothing(name string) error {
	if f.run != "" {
		return fmt.Errorf("%s: --run %q matches the name of no test", name, f.run)
	}
	return fmt.Errorf("%s: there is no test: write some below the key tests of a rule file, with name, given and want",
		name)
}
