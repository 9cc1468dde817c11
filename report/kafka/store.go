package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/lead"
)

// loadLimit bounds the reading of the whole topic.
const loadLimit = 2 * time.Minute

// partition is the one that has the records.
const partition = 0

// Store keeps what is known of reports in a compacted topic.
type Store struct {
	conn   *broker.Kafka
	client *kafka.Client
	topic  string
	config report.StateConfig
	lead   lead.Lead
}

// NewStore keeps what is known in c.Topic.
func NewStore(conn *broker.Kafka, c report.StateConfig) *Store {
	return &Store{conn: conn, client: conn.Client(), topic: c.Topic, config: c, lead: lead.New()}
}

// Place implements report.Store.
func (s *Store) Place() string { return "topic " + s.topic }

// Close implements report.Store.
func (s *Store) Close() {}

// Load implements report.Store. It reads the whole topic.
func (s *Store) Load(ctx context.Context, prefix string, each func(key string, value []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	known := map[string][]byte{}
	end, err := endOf(ctx, s.client, s.topic, partition)
	if err == nil {
		err = readTo(ctx, s.client, s.topic, partition, 0, end, func(r *kafka.Record) error {
			key, value, err := kafkatopic.Content(r)
			switch {
			case err != nil || !strings.HasPrefix(string(key), prefix):
			case len(value) == 0:
				delete(known, string(key))
			default:
				known[string(key)] = value
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("read the topic %s: %w", s.topic, meaning(err))
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if err := each(key, known[key]); err != nil {
			return err
		}
	}
	return nil
}

// Put implements report.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	r := kafka.Record{Time: time.Now(), Key: kafka.NewBytes([]byte(key))}
	if len(value) > 0 {
		r.Value = kafka.NewBytes(slices.Clone(value)) // it may be encoded after the end of ctx
	}
	_, err := kafkatopic.Produce(ctx, s.client, s.topic, partition, r)
	if kafkatopic.IsTooLarge(err) {
		err = fmt.Errorf("%w: %w: %d bytes: raise max.message.bytes of the topic", report.ErrTooLarge, err, len(value))
	}
	if err != nil {
		return s.lead.Note(fmt.Errorf("write to the topic %s: %w", s.topic, meaning(err)))
	}
	return nil
}

// Lead implements report.Store.
func (s *Store) Lead(ctx context.Context, standby func()) (led context.Context, release func(), err error) {
	group := lock.Group{Broker: s.conn, Client: s.client, Name: "ciobridge-reports." + s.topic, Topic: s.topic}
	led, release, err = s.lead.Take(ctx, standby, group.Acquire)
	if err != nil {
		return nil, nil, fmt.Errorf("lead the consumer group %s: %w", group.Name, err)
	}
	return led, release, nil
}
