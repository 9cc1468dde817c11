package kafka

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/report"
)

const (
	attemptTime  = 10 * time.Second // of writing a group or a value, and of looking at a topic
	requestBytes = 900 << 10        // of the records of one request; a larger record goes alone
	fetchWait    = 500 * time.Millisecond
)

// Target publishes events to a topic.
type Target struct {
	client *kafka.Client
	topic  string
}

// NewTarget publishes to a topic, which is there.
func NewTarget(conn *broker.Kafka, topic string) *Target {
	return &Target{client: conn.Client(), topic: topic}
}

// Place implements report.Target.
func (t *Target) Place() string { return "topic " + t.topic }

// Close implements report.Target.
func (t *Target) Close() {}

// Publish implements report.Target.
func (t *Target) Publish(ctx context.Context, events []cloudevent.Event) error {
	attempt, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	topic, err := kafkatopic.Describe(attempt, t.client, t.topic)
	if err != nil {
		return fmt.Errorf("publish to the topic %s: %w", t.topic, meaning(err))
	}
	partitions := make([]int, len(topic.Partitions))
	for i := range partitions {
		partitions[i] = i
	}
	lists := map[int]*list{}
	for i := range events {
		r, err := recordOf(&events[i])
		if err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
		p := kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: r.key}, partitions...)
		if lists[p] == nil {
			lists[p] = &list{target: t, partition: p}
		}
		lists[p].records = append(lists[p].records, r)
	}
	group, attempt := errgroup.WithContext(attempt)
	for _, l := range lists {
		group.Go(func() error { return l.produce(attempt) })
	}
	err = group.Wait()
	for _, l := range lists {
		err = cmp.Or(err, l.large)
	}
	if err != nil {
		return fmt.Errorf("publish to the topic %s: %w", t.topic, meaning(err))
	}
	return nil
}

// record is an event as it is stored.
type record struct {
	id         string
	key, value []byte
	headers    []kafka.Header
	size       int
}

func recordOf(e *cloudevent.Event) (record, error) {
	value, err := e.JSON()
	r := record{id: e.ID, key: []byte(cmp.Or(e.Subject, e.ID)), value: value}
	r.size = len(r.key) + len(value) + 64
	for _, h := range e.Headers() {
		r.headers = append(r.headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
		r.size += len(h.Key) + len(h.Value) + 4
	}
	return r, err
}

// list are the records for one partition.
type list struct {
	target    *Target
	partition int
	records   []record
	large     error // of one that is too large
}

// produce writes the records in requests of bounded size, one after the other.
func (l *list) produce(ctx context.Context) error {
	for rest := l.records; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+rest[n].size <= requestBytes) {
			size += rest[n].size
			n++
		}
		if err := l.send(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// send writes records in one request. Where the topic takes no request of that size it writes the halves.
func (l *list) send(ctx context.Context, records []record) error {
	batch := make([]kafka.Record, len(records))
	now := time.Now()
	for i, r := range records {
		batch[i] = kafka.Record{
			Time: now, Key: kafka.NewBytes(r.key), Value: kafka.NewBytes(r.value), Headers: r.headers,
		}
	}
	_, err := kafkatopic.Produce(ctx, l.target.client, l.target.topic, l.partition, batch...)
	switch half := len(records) / 2; {
	case !kafkatopic.IsTooLarge(err):
		return err
	case half == 0:
		l.large = fmt.Errorf("%w: event %s of %d bytes: %w", report.ErrTooLarge, records[0].id, records[0].size, err)
		return nil // so that the others are stored
	default:
		return cmp.Or(l.send(ctx, records[:half]), l.send(ctx, records[half:]))
	}
}

// Position implements report.Target. It is the end of every partition, as a JSON object.
func (t *Target) Position(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	ends, err := t.ends(ctx)
	if err != nil {
		return "", fmt.Errorf("look at the topic %s: %w", t.topic, meaning(err))
	}
	text, err := json.Marshal(ends)
	return string(text), err
}

func (t *Target) ends(ctx context.Context) (map[int]int64, error) {
	topic, err := kafkatopic.Describe(ctx, t.client, t.topic)
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, p := range topic.Partitions {
		if ends[p.ID], err = endOf(ctx, t.client, t.topic, p.ID); err != nil {
			return nil, fmt.Errorf("partition %d: %w", p.ID, err)
		}
	}
	return ends, nil
}

// Published implements report.Target. A partition that the position does not know, and one that has been made again,
// is read from its beginning.
func (t *Target) Published(ctx context.Context, since string, each func(id, hash string)) error {
	begin := map[int]int64{}
	if since != "" {
		if err := json.Unmarshal([]byte(since), &begin); err != nil {
			return fmt.Errorf("read the position %q of the topic %s: %w", since, t.topic, err)
		}
	}
	ends, err := t.ends(ctx)
	if err != nil {
		return fmt.Errorf("look at the topic %s: %w", t.topic, meaning(err))
	}
	for partition, end := range ends {
		from := begin[partition]
		if from > end {
			from = 0
		}
		err := readTo(ctx, t.client, t.topic, partition, from, end, func(r *kafka.Record) error {
			var id, hash string
			for _, h := range r.Headers {
				switch h.Key {
				case cloudevent.IDHeader:
					id = string(h.Value)
				case cloudevent.HashHeader:
					hash = string(h.Value)
				}
			}
			if id != "" {
				each(id, hash)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read partition %d of the topic %s: %w", partition, t.topic, meaning(err))
		}
	}
	return nil
}
