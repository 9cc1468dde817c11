package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
)

// Lock joins the consumer group "ciobridge-replay.<topic>". The leader of the group, which is the member that came
// first, holds the lock. Any other member leaves again. A holder that died keeps the lock for ten seconds more, and is
// waited for.
func (k *Store) Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error) {
	group := lock.Group{Broker: k.broker, Client: k.client, Name: "ciobridge-replay." + k.topic, Topic: k.topic}
	l, err := group.Acquire(ctx, lock.Wish{Session: lock.Session, Waiting: waiting, Alive: deadletter.Running})
	if err != nil && !errors.Is(err, deadletter.ErrReplayRunning) {
		err = k.withAddresses(ctx, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock: group %s: %w", group.Name, err)
	}
	return l, nil
}
