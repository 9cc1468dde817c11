package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/persons"
)

// filterFlags choose dead letters.
type filterFlags struct {
	ids, reasons, rules, types, keys []string

	person string

	topic       string
	partition   int32
	offset      string
	failedAfter string
	failedUntil string
	eventAfter  string
	eventUntil  string
	all         bool
	limit       int
}

func (f *filterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.ids, "id", nil, "only these letters, by their ids")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only letters with these reasons, such as missing_field")
	flags.StringArrayVar(&f.rules, "rule", nil, "only letters of this rule; may be repeated")
	flags.StringArrayVar(&f.types, "type", nil, "only letters of events of this type, in which * stands for any "+
		"characters; may be repeated")
	flags.StringArrayVar(&f.keys, "key", nil, "only letters of records with this key; may be repeated")
	flags.StringVar(&f.person, "person", "", "only letters of events that concern this person, by any identifier or "+
		"by one such as email:ann@example.com")
	flags.StringVar(&f.topic, "topic", "", "only letters of records that stood in this topic or stream")
	flags.Int32Var(&f.partition, "partition", 0, "only letters of records that stood in this partition of --topic")
	flags.StringVar(&f.offset, "offset", "",
		"only letters of records at this offset of --topic, or in a range such as "+
			"100..200, 100.. or ..200")
	flags.StringVar(&f.failedAfter, "failed-after", "", "only letters that first failed at this time or later: RFC "+
		"3339, a date, or how long ago, such as 2h")
	flags.StringVar(&f.failedUntil, "failed-before", "", "only letters that first failed before this time")
	flags.StringVar(&f.eventAfter, "event-after", "", "only letters of events that happened at this time or later")
	flags.StringVar(&f.eventUntil, "event-before", "", "only letters of events that happened before this time")
	flags.BoolVar(&f.all, "all", false, "every open letter")
	flags.IntVar(&f.limit, "limit", 0, "at most so many letters, the oldest first; 0 means no limit")
	cli.Complete(cmd, "reason", reasons()...)
}

func reasons() []string {
	var names []string
	for _, r := range event.Reasons() {
		names = append(names, string(r))
	}
	return names
}

// open reaches the dead letters, and says what the flags choose of them. The client must be closed when err is nil.
func (f *filterFlags) open(cmd *cobra.Command, in config.Input, out format) (*lettersClient, deadletter.Filter, error) {
	d, err := openLetters(cmd, in, out)
	if err != nil {
		return nil, deadletter.Filter{}, err
	}
	chosen, err := f.filter(cmd, d)
	if err != nil {
		d.close()
		return nil, deadletter.Filter{}, err
	}
	return d, chosen, nil
}

// filter is what the flags choose of the client's letters.
func (f *filterFlags) filter(cmd *cobra.Command, d *lettersClient) (deadletter.Filter, error) {
	out := deadletter.Filter{Rules: f.rules, Types: f.types, Keys: f.keys, Topic: f.topic, All: f.all, Limit: f.limit}
	var errs []error
	var err error
	if out.IDs, err = parseIDs(f.ids); err != nil {
		errs = append(errs, err)
	}
	for _, r := range f.reasons {
		out.Reasons = append(out.Reasons, event.Reason(r))
	}
	if cmd.Flags().Changed("partition") {
		out.Partition = &f.partition
	}
	if err := f.checkRules(cmd.Context(), d); err != nil {
		errs = append(errs, err)
	}
	if out.OffsetFrom, out.OffsetTo, err = offsetRange(f.offset); err != nil {
		errs = append(errs, err)
	}
	for _, t := range []struct {
		flag, text string
		into       *time.Time
	}{
		{"failed-after", f.failedAfter, &out.FailedFrom}, {"failed-before", f.failedUntil, &out.FailedTo},
		{"event-after", f.eventAfter, &out.EventFrom}, {"event-before", f.eventUntil, &out.EventTo},
	} {
		if *t.into, err = cli.ParseTime(t.text, time.Now()); err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: %w", t.flag, t.text, err))
		}
	}
	if len(f.types) > 0 || f.eventAfter != "" || f.eventUntil != "" {
		inspect, err := inspector(d.rules, f.types)
		if err != nil {
			errs = append(errs, err)
		} else {
			out.Inspect = func(m event.Message, item int) (string, time.Time, error) {
				err := d.content(cmd.Context(), &m)
				eventType, at := inspect(m, item)
				return eventType, at, err
			}
		}
	}
	if cmd.Flags().Changed("person") {
		if err := f.choosePerson(cmd.Context(), d, &out); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, out.Validate())
	}
	return out, exit.With(exit.Input, errors.Join(errs...))
}

func parseIDs(texts []string) (ids []event.ID, err error) {
	for _, text := range texts {
		id, wrong := event.ParseID(text)
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("--id %q: %w", text, wrong))
		}
		ids = append(ids, id)
	}
	return ids, err
}

// checkRules refuses names of rules that are gone and of which there is no letter.
func (f *filterFlags) checkRules(ctx context.Context, d *lettersClient) error {
	known := d.rules.RuleNames()
	if cli.CheckRules(f.rules, known) == nil {
		return nil
	}
	of := map[string]bool{}
	_, err := deadletter.Stories(ctx, d.store, func(l *deadletter.Letter) bool {
		of[l.Failure.Rule] = true
		return false
	})
	if err != nil {
		return err
	}
	return cli.CheckRules(f.rules, slices.AppendSeq(known, maps.Keys(of)))
}

// choosePerson has the filter choose the letters of a person: by digests, and where they have none by their events.
func (f *filterFlags) choosePerson(ctx context.Context, d *lettersClient, out *deadletter.Filter) error {
	person, err := persons.Parse(f.person, d.config.CustomerIO.Names()...)
	if err != nil {
		return fmt.Errorf("--person: %w", err)
	}
	if out.Persons, err = app.Digests(d.config, person); err != nil {
		d.log.Warn("there is no key for digests, so that letters are opened to find those of a person", zap.Error(err))
	}
	rules := d.rules.ForReplay()
	out.Concerns = func(m event.Message, item int) (bool, error) {
		err := d.content(ctx, &m)
		return err == nil && person.In(rules, &m, item), err
	}
	return nil
}

// chooses reports whether a flag narrows the choice.
func (f *filterFlags) chooses() bool {
	return len(f.ids)+len(f.reasons)+len(f.rules)+len(f.types)+len(f.keys) > 0 ||
		slices.ContainsFunc([]string{f.person, f.topic, f.failedAfter, f.failedUntil, f.eventAfter, f.eventUntil},
			func(s string) bool { return s != "" })
}

// offsetRange reads an offset, or a range of them with either end open.
func offsetRange(text string) (from, to *int64, err error) {
	if text == "" {
		return nil, nil, nil
	}
	first, last, isRange := strings.Cut(text, "..")
	if !isRange {
		last = first
	}
	if from, err = parseOffset(first); err == nil {
		to, err = parseOffset(last)
	}
	if err != nil || from == nil && to == nil {
		return nil, nil, fmt.Errorf("--offset %q: want an offset, or a range such as 100..200, 100.. or ..200", text)
	}
	return from, to, nil
}

func parseOffset(text string) (*int64, error) {
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return &n, err
}

// inspector gives the type and the time of events by the envelopes of their topics. The type is the first of those
// asked for that fits, or * for any other; an event whose envelope cannot be read has none, and the time of its
// record.
func inspector(rules *mapping.Rules, types []string) (func(event.Message, int) (string, time.Time), error) {
	if slices.Contains(types, "") {
		return nil, errors.New("--type: is empty")
	}
	return func(m event.Message, item int) (string, time.Time) {
		e, err := rules.Inspect(m, item)
		if err != nil {
			return "", m.Time
		}
		for _, t := range types {
			if mapping.MatchesType(t, e.Type) {
				return t, e.Time
			}
		}
		return "*", e.Time
	}, nil
}
