package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/source"
)

// publishLimit is how long acknowledgements are waited for.
const publishLimit = 30 * time.Second

func newPublish() *cobra.Command {
	var in config.Input
	var to source.Target
	var record recordFlags
	var without valueless
	var out format
	cmd := &cobra.Command{
		Use:   "publish [file]...",
		Short: "Publish events to the configured source",
		Long: "Publish events to the broker that the configured source reads, and wait " +
			"until it has stored them. It takes the place of\n" +
			"a client of the broker for trying things out; a broken event is published as it is.\n\n" +
			"A file, or standard input where none is named, holds an event a line, " +
			"or one event as a whole. With the embedded source\n" +
			"it publishes to the bridge that runs, or else into the store that the bridge will read.\n\n" +
			"With --null or --empty it publishes one record without an event: what on_null is about.",
		Example: "  ciobridge publish --topic shop.orders --key c_7 order.json\n" +
			"  echo '{\"type\":\"user.signed_up\",\"data\":{\"user_id\":\"7\"}}' | " +
			"ciobridge publish --subject events.shop\n" +
			"  ciobridge publish --topic cdc.customers --key c_7 --null",
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := without.check(files); err != nil {
				return exit.With(exit.Input, err)
			}
			m, err := record.record()
			if err != nil {
				return err
			}
			c, err := config.Load(in)
			if err != nil {
				return exit.With(exit.Input, err)
			}
			to.Key, to.Null = record.key, without.null
			if m.Origin, err = c.Source.Section().Destination(to); err != nil {
				return exit.With(exit.Input, err)
			}
			return publishEvents(cmd, c, m, without.values(cmd, files), out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	record.add(cmd)
	without.add(cmd)
	cmd.Flags().StringVar(&to.Topic, "topic", "", "the Kafka topic; not needed where the configuration has only one")
	cmd.Flags().StringVar(&to.Subject, "subject", "", "the NATS subject; not needed where the configuration has only "+
		"one, without wildcards")
	return cmd
}

// valueless asks for a record that holds no event, which no line of a file can say.
type valueless struct{ null, empty bool }

func (v *valueless) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&v.null, "null", false, cmd.Name()+" one record with a null value, which Kafka takes for a "+
		"tombstone, and no event")
	cmd.Flags().BoolVar(&v.empty, "empty", false, cmd.Name()+" one record with an empty value, and no event")
}

func (v valueless) check(files []string) error {
	switch {
	case v.null && v.empty:
		return errors.New("give either --null or --empty, not both")
	case (v.null || v.empty) && len(files) > 0:
		return errors.New("--null and --empty are for a record without an event: name no file")
	}
	return nil
}

// values gives what is published: the record without an event, or the events of files.
func (v valueless) values(cmd *cobra.Command, files []string) func(each func(cli.EventText) error) error {
	return func(each func(cli.EventText) error) error {
		switch {
		case v.null:
			return each(cli.EventText{Place: "--null"})
		case v.empty:
			return each(cli.EventText{Place: "--empty", Value: []byte{}})
		}
		return cli.ReadEvents(cmd, files, each)
	}
}

func publishEvents(cmd *cobra.Command, c config.Config, m event.Message, values func(func(cli.EventText) error) error,
	out format) error {
	log, err := cli.QuietLogger(cmd, out == asJSON)
	if err != nil {
		return err
	}
	b, err := app.Reach(cmd.Context(), c, log)
	if err != nil {
		return err
	}
	defer b.Close()
	publisher := b.Publisher()
	defer publisher.Close()
	published := 0
	var batch []event.Message
	flush := func() error {
		ctx, cancel := context.WithTimeout(cmd.Context(), publishLimit)
		defer cancel()
		if err := publisher.Publish(ctx, batch); err != nil {
			return exit.With(exit.Broker, fmt.Errorf("publish after the first %d events: %w", published, err))
		}
		published += len(batch)
		batch = batch[:0]
		return nil
	}
	err = values(func(e cli.EventText) error {
		m.Value = e.Value
		if batch = append(batch, m); len(batch) < source.PublishAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil && len(batch) > 0 {
		err = flush()
	}
	if err != nil {
		return err
	}
	where := m.Origin.Topic + m.Origin.Subject
	if out == asJSON {
		return output.JSON(cmd.OutOrStdout(), map[string]any{"published": published, "to": where})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "published %s to %s\n", output.Count(published, "event"), where)
	return err
}
