package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/consumer"
	consumerkafka "github.com/ciobridge/ciobridge/consumer/kafka"
)

// notes are the committed offsets of a consumer group that nobody joins, whose lag the usual tools show.
type notes struct {
	connection *connection
	config     consumerkafka.Config
}

// Notes implements source.Broker: they are offsets of the group GROUP.NAME.
func (c *connection) Notes(name string) consumer.Notes {
	config := c.config
	config.Group += "." + name
	return &notes{c, config}
}

// Load implements consumer.Notes.
func (n *notes) Load(ctx context.Context) ([]consumer.OffsetChange, error) {
	offsets, err := consumerkafka.Offsets(ctx, n.connection.conn, n.config)
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", n.config.Group, err)
	}
	var noted []consumer.OffsetChange
	for _, o := range offsets {
		if o.Committed >= 0 {
			noted = append(noted, consumer.OffsetChange{Topic: o.Topic, Partition: o.Partition, Offset: o.Committed})
		}
	}
	return noted, nil
}

// Store implements consumer.Notes.
func (n *notes) Store(ctx context.Context, changes []consumer.OffsetChange) error {
	if err := consumerkafka.SetOffsets(ctx, n.connection.conn, n.config, changes); err != nil {
		return fmt.Errorf("group %s: %w", n.config.Group, err)
	}
	return nil
}

// Remove implements consumer.Notes.
func (n *notes) Remove(ctx context.Context) error {
	res, err := n.connection.conn.Client().DeleteGroups(ctx, &kafka.DeleteGroupsRequest{
		GroupIDs: []string{n.config.Group},
	})
	if err == nil {
		err = res.Errors[n.config.Group]
	}
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
		return fmt.Errorf("delete the group %s: %w", n.config.Group, err)
	}
	return nil
}
