package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/source"
)

// offsetsLimit is how long a command about offsets may take.
const offsetsLimit = 30 * time.Second

func newOffsets() *cobra.Command {
	return group(&cobra.Command{
		Use:   "offsets",
		Short: "Show and set how far the source has been read",
		Long: "Show how far the configured topics or streams have been read, and set it while no bridge runs. A " +
			"bridge stops reading a\npartition whose next offset is not in its log any more, because it cannot know " +
			"what was there; skip is the way on.",
		Example: "  ciobridge offsets show\n" +
			"  ciobridge offsets skip --dry-run\n" +
			"  ciobridge offsets set shop.orders/3=1200",
	}, newOffsetsShow(), newOffsetsSet(), newOffsetsSkip())
}

func newOffsetsShow() *cobra.Command {
	var in config.Input
	var out format
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show how far the source has been read",
		Long: "Show for each partition, or for each stream, the next offset to read, where the log begins and ends, " +
			"how much is not read\nyet, and how much was lost: deleted before it was read.",
		Example: "  ciobridge offsets show -c ciobridge.yaml\n" +
			"  ciobridge offsets show -o json",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := openOffsets(cmd, in, out)
			if err != nil {
				return err
			}
			defer r.close()
			offsets, err := r.offsets()
			if err != nil {
				return err
			}
			return printOffsets(cmd.OutOrStdout(), offsets, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	return cmd
}

func printOffsets(w io.Writer, offsets []consumer.OffsetInfo, out format) error {
	rows := [][]string{{"TOPIC", "PARTITION", "NEXT", "START", "END", "UNREAD", "LOST"}}
	for _, o := range offsets {
		if out == asJSON {
			v := offsetView{Topic: o.Topic, Partition: o.Partition, Start: o.Start, End: o.End, Unread: o.Lag(),
				Lost: o.Lost()}
			if o.Committed >= 0 {
				v.Next = &o.Committed
			}
			if err := output.JSON(w, v); err != nil {
				return err
			}
			continue
		}
		next := "-"
		if o.Committed >= 0 {
			next = number(o.Committed)
		}
		rows = append(rows, []string{
			o.Topic, strconv.Itoa(int(o.Partition)), next, number(o.Start), number(o.End), number(o.Lag()),
			number(o.Lost()),
		})
	}
	if out == asJSON {
		return nil
	}
	return output.Table(w, rows)
}

// offsetView is where the bridge stands on one partition.
type offsetView struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Next      *int64 `json:"next"` // null where nothing has been committed
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Unread    int64  `json:"unread"`
	Lost      int64  `json:"lost"`
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// An offsetsClient is what a command about offsets works with.
type offsetsClient struct {
	ctx    context.Context
	cancel context.CancelFunc
	broker source.Broker
}

// openOffsets reaches the broker of a configuration. It must be closed when err is nil.
func openOffsets(cmd *cobra.Command, in config.Input, out format) (*offsetsClient, error) {
	c, _, err := app.Load(in)
	if err != nil {
		return nil, err
	}
	if section := c.Source.Section(); section.Ends() {
		return nil, exit.With(exit.Input, fmt.Errorf("of source.%s nothing is stored of how far it is read: each run "+
			"reads all of it", section.Kind()))
	}
	log, err := cli.QuietLogger(cmd, out == asJSON)
	if err != nil {
		return nil, err
	}
	r := &offsetsClient{}
	r.ctx, r.cancel = context.WithTimeout(cmd.Context(), offsetsLimit)
	if r.broker, err = app.Reach(r.ctx, c, log); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

func (r *offsetsClient) close() {
	r.broker.Close()
	r.cancel()
}

func (r *offsetsClient) offsets() ([]consumer.OffsetInfo, error) {
	offsets, err := r.broker.Offsets(r.ctx)
	if err != nil {
		return nil, exit.With(exit.Broker, fmt.Errorf("read the offsets: %w", err))
	}
	return offsets, nil
}

func (r *offsetsClient) set(changes []consumer.OffsetChange) error {
	err := r.broker.SetOffsets(r.ctx, changes)
	if err == nil {
		return nil
	}
	code := exit.Broker
	if inUse := (*source.InUseError)(nil); errors.As(err, &inUse) {
		code = exit.Failure
	}
	return exit.With(code, fmt.Errorf("set the offsets: %w", err))
}
