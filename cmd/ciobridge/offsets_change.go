package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newOffsetsSet() *cobra.Command {
	return newOffsetsChange(&cobra.Command{
		Use:   "set topic/partition=offset...",
		Short: "Set the next offset to read",
		Long: "Set the next offset to read, while no bridge runs: a number, earliest or latest. Without a partition " +
			"it is set for all of\nthe topic's. Going back sends events again: Customer.io ignores those whose ids " +
			"it remembers.",
		Example: "  ciobridge offsets set shop.orders/3=1200 shop.orders/4=latest\n" +
			"  ciobridge offsets set EVENTS=earliest --dry-run",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exit.With(exit.Input, errors.New("say what to set, such as shop.orders/3=1200"))
			}
			return nil
		},
	}, setChanges)
}

func newOffsetsSkip() *cobra.Command {
	return newOffsetsChange(&cobra.Command{
		Use:   "skip [topic/partition]...",
		Short: "Go on where the log begins, past what was lost",
		Long: "Go on where the log begins, in the partitions named or in all, where the next offset to read was " +
			"deleted before it was\nread. It tells how many offsets are lost. No bridge may run meanwhile.",
		Example: "  ciobridge offsets skip --dry-run\n" +
			"  ciobridge offsets skip shop.orders/3",
	}, skipChanges)
}

// newOffsetsChange completes a command that sets offsets. The change is planned from where the source stands.
func newOffsetsChange(cmd *cobra.Command, plan func([]consumer.OffsetInfo, []string) ([]consumer.OffsetChange,
	error)) *cobra.Command {
	var in config.Input
	var dryRun bool
	var out format
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := openOffsets(cmd, in, out)
		if err != nil {
			return err
		}
		defer r.close()
		now, err := r.offsets()
		if err != nil {
			return err
		}
		changes, err := plan(now, args)
		if err != nil {
			return exit.With(exit.Input, err)
		}
		if !dryRun && len(changes) > 0 {
			if err := r.set(changes); err != nil {
				return err
			}
		}
		return printChanges(cmd.OutOrStdout(), now, changes, dryRun, out)
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be set, and set nothing")
	return cmd
}

// setChanges reads topic/partition=offset and topic=offset.
func setChanges(now []consumer.OffsetInfo, args []string) ([]consumer.OffsetChange, error) {
	var changes []consumer.OffsetChange
	for _, arg := range args {
		where, to, ok := cutLast(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%q: want topic/partition=offset, such as shop.orders/3=1200", arg)
		}
		at, err := partitions(now, where)
		if err != nil {
			return nil, err
		}
		for _, o := range at {
			c := consumer.OffsetChange{Topic: o.Topic, Partition: o.Partition}
			switch to {
			case "earliest":
				c.Offset = o.Start
			case "latest":
				c.Offset = o.End
			default:
				if c.Offset, err = strconv.ParseInt(to, 10, 64); err != nil {
					return nil, fmt.Errorf("%q: the offset is not a number, earliest or latest", arg)
				}
			}
			if c.Offset < o.Start || c.Offset > o.End {
				return nil, fmt.Errorf("%s/%d: offset %d is outside of the log: give %d to %d", o.Topic,
					o.Partition, c.Offset,
					o.Start, o.End)
			}
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// skipChanges goes to the start of the log where what came next was deleted.
func skipChanges(now []consumer.OffsetInfo, args []string) ([]consumer.OffsetChange, error) {
	at := now
	if len(args) > 0 {
		at = nil
	}
	for _, arg := range args {
		named, err := partitions(now, arg)
		if err != nil {
			return nil, err
		}
		at = append(at, named...)
	}
	var changes []consumer.OffsetChange
	for _, o := range at {
		switch {
		case o.Lost() == 0:
		case o.Committed > o.End:
			return nil, fmt.Errorf("%s/%d: the next offset %d lies behind the end %d: records were lost by the "+
				"broker, or the topic was made anew; decide with offsets set %s/%d=%d, or =earliest",
				o.Topic, o.Partition, o.Committed, o.End, o.Topic, o.Partition, o.End)
		default:
			changes = append(changes, consumer.OffsetChange{Topic: o.Topic, Partition: o.Partition, Offset: o.Start})
		}
	}
	return changes, nil
}

// partitions finds what topic/partition names, or all of a topic.
func partitions(now []consumer.OffsetInfo, where string) ([]consumer.OffsetInfo, error) {
	topic, partition, one := cutLast(where, "/")
	n, err := strconv.Atoi(partition)
	if one && err != nil {
		return nil, fmt.Errorf("%q: the partition is not a number", where)
	}
	var found []consumer.OffsetInfo
	for _, o := range now {
		if o.Topic == topic && (!one || int(o.Partition) == n) {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%q is not among what the configuration reads; offsets show lists that", where)
	}
	return found, nil
}

// cutLast cuts at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func printChanges(w io.Writer, now []consumer.OffsetInfo, changes []consumer.OffsetChange, dryRun bool,
	out format) error {
	did := "set"
	if dryRun {
		did = "would set"
	}
	for _, c := range changes {
		i := slices.IndexFunc(now, func(o consumer.OffsetInfo) bool {
			return o.Topic == c.Topic &&
				o.Partition == c.Partition
		})
		v := changeView{Topic: c.Topic, Partition: c.Partition, To: c.Offset, Lost: now[i].Lost(), DryRun: dryRun}
		from := "nothing"
		if o := now[i].Committed; o >= 0 {
			v.From, from = &o, number(o)
		}
		if out == asJSON {
			if err := output.JSON(w, v); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s %s/%d from %s to %d", did, v.Topic, v.Partition, from, v.To)
		if v.Lost > 0 {
			fmt.Fprintf(w, "; %d were lost", v.Lost)
		}
		fmt.Fprintln(w)
	}
	if len(changes) == 0 && out == asText {
		fmt.Fprintln(w, "nothing to set")
	}
	return nil
}

// changeView is an offset that was set.
type changeView struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      *int64 `json:"from"` // null where nothing had been committed
	To        int64  `json:"to"`
	Lost      int64  `json:"lost"`
	DryRun    bool   `json:"dry_run,omitempty"`
}
