package ledger_test

import (
	"strings"
	"testing"
	"time"

	client "github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/ledger"
)

// A broker that compacts takes away what no longer counts and nothing else: whoever reads the topic then knows of every
// call what was known before, and a write that arrives late still changes nothing.
func TestRealKafkaLedgerOutlivesCompaction(t *testing.T) {
	t.Parallel()
	p := startPlace(t, "real kafka")
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: strings.Split(p.address, ",")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	res, err := b.Client().CreateTopics(t.Context(), &client.CreateTopicsRequest{Topics: []client.TopicConfig{{
		Topic: p.topic, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []client.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "compact,delete"},
			{ConfigName: "retention.ms", ConfigValue: "-1"}, {ConfigName: "segment.ms", ConfigValue: "100"},
			{ConfigName: "min.cleanable.dirty.ratio", ConfigValue: "0.01"},
			{ConfigName: "max.compaction.lag.ms", ConfigValue: "100"},
			{ConfigName: "delete.retention.ms", ConfigValue: "0"},
		}}}})
	if err != nil || res.Errors[p.topic] != nil {
		t.Fatal(err, res)
	}
	if _, err := kafkatopic.Await(t.Context(), b.Client(), p.topic, 0); err != nil {
		t.Fatal(err)
	}
	s := p.mustOpen(t, ledger.Config{})
	want := map[event.ID]ledger.State{}
	call := func(state ledger.State) event.ID {
		t.Helper()
		id := newID()
		intent := put(t, s, id, ledger.Record{}, ledger.Record{}.Follow(ledger.Intent, 1, time.Now()))
		if state != ledger.Intent {
			put(t, s, id, intent, intent.Follow(state, 1, time.Now()))
		}
		want[id] = state
		return id
	}
	var cutOff event.ID
	const calls = 20
	for range calls {
		call(ledger.Sent)
		call(ledger.NotSent)
		call(ledger.Uncertain)
		cutOff = call(ledger.Intent)
	}
	for end := time.Now().Add(120 * time.Second); ; time.Sleep(time.Second) {
		call(ledger.Sent) // in a new segment, so that the ones before it can be compacted
		fresh := p.mustOpen(t, ledger.Config{})
		for id, state := range want {
			if known := get(t, fresh, id); known.State != state {
				t.Fatalf("of a call that was %v is known %+v", state, known)
			}
		}
		// Of what was sent the intent and its removal go; a second passes between two more of them.
		if n, least := recordsOf(t, b.Client(), p.topic), len(want)+2*calls; n <= least+len(want)-4*calls {
			t.Logf("%d records are left of %d calls", n, len(want))
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the broker does not compact: %d calls", len(want))
		}
	}
	late := put(t, p.mustOpen(t, ledger.Config{}), cutOff, ledger.Record{}, ledger.Record{}.Follow(ledger.Intent, 2,
		time.Now()))
	if late.Owner != 1 {
		t.Errorf("a late intent counts: %+v", late)
	}
}

// recordsOf counts the records of the partition.
func recordsOf(t *testing.T, c *client.Client, topic string) (n int) {
	t.Helper()
	from, end, err := kafkatopic.Bounds(t.Context(), c, topic, 0)
	for err == nil && from < end {
		from, err = kafkatopic.Fetch(t.Context(), c, topic, 0, from, time.Second, func(*client.Record) error {
			n++
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}
