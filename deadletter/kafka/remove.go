package kafka

import (
	"context"
	"fmt"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Remove fails with deadletter.ErrKeeps: Kafka removes what is older than the retention, or everything before an
// offset of a partition, but no single record. A compacted topic keeps one record of a key, and letters of one key are
// not about one failure.
func (k *Store) Remove(context.Context, ...deadletter.Seen) error {
	return fmt.Errorf("topic %s: %w: Kafka removes by retention, or everything before an offset "+
		"(kafka-delete-records)", k.cfg.Topic, deadletter.ErrKeeps)
}
