package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	groups           []group
	events           int
	persons          int
	backlog          int
	runs             int
	pacing           time.Duration
	hang             time.Duration // for how long the sink answers nothing
	settling, window time.Duration // how long replicas run before they are looked at, and for how long they are then
	brokers          string        // a real Kafka; empty for the in-memory one
	otherBuild       string        // a program or a checkout to compare with; empty for none
	output           string
	timeout          time.Duration
}

func parsePlan(args []string, stderr io.Writer) (plan, error) {
	p := plan{hang: 15 * time.Second, settling: 10 * time.Second, window: 10 * time.Second}
	var rows string
	var quick bool
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&rows, "rows", "", "comma-separated `names` of the rows to measure; all without it")
	fs.IntVar(&p.events, "events", 400_000, "events in a run that measures speed")
	fs.IntVar(&p.persons, "persons", 100_000, "persons that they are about")
	fs.IntVar(&p.backlog, "backlog", 5_000_000, "events in the backlog of the rows about memory")
	fs.IntVar(&p.runs, "runs", 3, "runs of each program, which take turns; rows have their medians")
	fs.DurationVar(&p.pacing, "pacing", 15*time.Second, "for how long events are published at a fixed rate")
	fs.StringVar(&p.brokers, "brokers", "",
		"comma-separated `addresses` of a real Kafka; without it an in-memory one is started")
	fs.StringVar(&p.otherBuild, "against", "",
		"another ciobridge to compare with: the `path` of a program, or of a checkout to build it from")
	fs.StringVar(&p.output, "o", "table", "output `format`: table or json")
	fs.DurationVar(&p.timeout, "timeout", 5*time.Minute, "how long one run may take")
	fs.BoolVar(&quick, "quick", false,
		"measure less of everything and leave the slow rows out, as a check that the bench works")
	fs.Usage = func() { usage(fs) }
	if err := fs.Parse(args); err != nil {
		return plan{}, err
	}
	if fs.NArg() > 0 {
		return plan{}, fmt.Errorf("unexpected argument %q: everything is set by flags, see -h", fs.Arg(0))
	}
	if quick {
		p.events, p.backlog, p.runs = min(p.events, 60_000), min(p.backlog, 300_000), 1
		p.pacing, p.hang = min(p.pacing, 4*time.Second), 3*time.Second
	}
	var err error
	p.groups, err = choose(rows, quick, p.brokers != "")
	return p, errors.Join(err, p.validate())
}

func usage(fs *flag.FlagSet) {
	fmt.Fprintf(fs.Output(), "Measure the bridge and hold it against its targets.\n\nFlags:\n")
	fs.PrintDefaults()
	fmt.Fprintf(fs.Output(), "\nRows:\n")
	for _, g := range groups {
		fmt.Fprintf(fs.Output(), "  %-14s %s\n", g.name, g.what)
	}
}

// choose picks the rows that were named, or all that the occasion asks for.
func choose(names string, quick, realKafka bool) ([]group, error) {
	var chosen []group
	if names == "" {
		for _, g := range groups {
			if !(quick && g.slow) && !(realKafka && g.stream) {
				chosen = append(chosen, g)
			}
		}
		return chosen, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(groups, func(g group) bool { return g.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("-rows: there is no row %q, see -h", name)
		}
		chosen = append(chosen, groups[i])
	}
	return chosen, nil
}

func (p *plan) validate() error {
	var errs []error
	if p.events < 1 || p.persons < 1 || p.runs < 1 || p.backlog < 1 {
		errs = append(errs, errors.New("-events, -persons, -backlog and -runs must be at least 1"))
	}
	if p.pacing < 3*time.Second {
		errs = append(errs, fmt.Errorf("-pacing %s: want at least 3s, of which the first two are not measured",
			p.pacing))
	}
	if p.output != "table" && p.output != "json" {
		errs = append(errs, fmt.Errorf("-o %q: want table or json", p.output))
	}
	return errors.Join(errs...)
}
