package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/ledger"
)

// Store is a ledger in a topic.
type Store struct {
	client *kafka.Client
	topic  string
	config ledger.Config
	table  *ledger.Table

	mu   sync.Mutex
	next int64 // the offset up to which the partition is in the table; -1 until it was read
}

// partition is the one that has the records.
const partition = 0

// New keeps a ledger in c.Topic.
func New(b *broker.Kafka, c ledger.Config) *Store {
	c = c.WithDefaults()
	return &Store{
		client: b.Client(), topic: c.Topic, config: c, table: ledger.NewTable(c.Retention, c.MaxRecords), next: -1,
	}
}

// Place implements ledger.Store.
func (s *Store) Place() string { return s.config.Place() }

// Forgotten implements ledger.Store.
func (s *Store) Forgotten() time.Time { return s.table.Forgotten(time.Now()) }

// Get implements ledger.Store. What is final, and what nothing is known of, needs no broker: Put finds out whether
// something is known by now.
func (s *Store) Get(ctx context.Context, id event.ID) (ledger.Record, error) {
	s.mu.Lock()
	loaded := s.next >= 0
	s.mu.Unlock()
	if known := s.table.Get(id); loaded && (known.State == ledger.Unknown || known.State == ledger.Sent) {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if err := s.readAll(ctx); err != nil {
		return ledger.Record{}, fmt.Errorf("get: topic %s: %w", s.topic, kafkaError(ctx, err))
	}
	return s.table.Get(id), nil
}

// Put implements ledger.Store.
func (s *Store) Put(ctx context.Context, id event.ID, prev, next ledger.Record) (ledger.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	known := s.table.Get(id)
	if known.State == ledger.Sent {
		return known, nil
	}
	var err error
	if !known.Is(prev) && next.State != ledger.Sent {
		err = s.readAll(ctx)
	} else if err = s.table.Room(id, time.Now()); err == nil {
		err = s.write(ctx, id, prev, next)
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("put: topic %s: %w", s.topic, kafkaError(ctx, err))
	}
	if known = s.table.Get(id); known.Is(prev) && known.State != ledger.Sent && known.Version < next.Version {
		return ledger.Record{}, fmt.Errorf("put: %w", s.errLost()) // what was stored does not stand where it is read
	}
	return known, nil
}

// errLost says that the log is another one than before.
func (s *Store) errLost() error {
	return fmt.Errorf("%w: topic %s was made again or has lost records: what was sent may be sent again; see to that, "+
		"and restart", ledger.ErrUnfit, s.topic)
}

// write appends a record and reads the partition up to it.
func (s *Store) write(ctx context.Context, id event.ID, prev, next ledger.Record) error {
	records := []kafka.Record{{
		Time: next.At, Key: kafka.NewBytes(keyOf(id, next)), Value: kafka.NewBytes(next.Encode(event.ID{})),
	}}
	if next.State == ledger.Sent && prev.State != ledger.Unknown {
		records = append(records, kafka.Record{Time: next.At, Key: kafka.NewBytes(keyOf(id, prev))})
	}
	first, err := kafkatopic.Produce(ctx, s.client, s.topic, partition, records...)
	if err != nil {
		return err
	}
	return s.readTo(ctx, first+int64(len(records)))
}

// keyOf is the key of a record: see the package.
func keyOf(id event.ID, r ledger.Record) []byte {
	if r.State == ledger.Sent {
		return []byte(id.String())
	}
	return fmt.Appendf(nil, "%s.%d.%016x", id, r.Version, uint64(r.Owner))
}

// idOf reads the ID of a call from a key.
func idOf(key []byte) (event.ID, error) {
	const length = 26
	if len(key) < length {
		return event.ID{}, ledger.ErrRecord
	}
	return event.ParseID(string(key[:length]))
}

// kafkaError tells what an error means by one of the errors of package ledger.
func kafkaError(ctx context.Context, err error) error {
	meaning := ledger.ErrUnreachable
	switch {
	case errors.Is(err, ledger.ErrFull), errors.Is(err, ledger.ErrUnfit):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case kafkatopic.IsMissing(err):
		meaning = ledger.ErrMissing
	case kafkatopic.IsDenied(err):
		meaning = ledger.ErrDenied
	}
	return fmt.Errorf("%w: %w", meaning, err)
}
