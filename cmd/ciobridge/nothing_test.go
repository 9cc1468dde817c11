package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
)

// A key-value bucket holds as many deletions as it likes: on_null: skip leaves them out, and what follows is delivered.
func TestBucketWithManyDeletionsGoesOn(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	ctx := context.Background()
	bucket, err := s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "people", History: 5,
		LimitMarkerTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	const gone = 600 // more than the flow forgives
	for i := range gone {
		key := fmt.Sprintf("c%d", i)
		remove := bucket.Delete
		if i%2 == 0 {
			remove = func(ctx context.Context, key string,
				_ ...jetstream.KVDeleteOpt) error {
				return bucket.Purge(ctx, key)
			}
		}
		if err := remove(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []*nats.Msg{
		{Subject: "$KV.people.empty"},
		{Subject: "$KV.people.null", Data: []byte("null")},
		{Subject: "$KV.people.old", Header: nats.Header{"Nats-Marker-Reason": {"MaxAge"}}},
	} {
		if _, err := s.js.PublishMsg(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bucket.PutString(ctx, "c7", `{"type":"numbered","who":"c7","seq":1}`); err != nil {
		t.Fatal(err)
	}
	letters := s.path("dead.jsonl")
	path := s.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, session_timeout: 10s, streams: [{name: "+
		"KV_people, on_null: skip}]}}", s.url),
		"{file: "+letters+"}")
	p := start(t, "run", "-c", path)
	s.receives("event", "id:c7")
	p.skipped(gone + 3)
	if b, err := os.ReadFile(letters); err == nil && len(b) > 0 {
		t.Errorf("dead letters:\n%.500s", b)
	}
}

// The removal of a key reaches Customer.io where on_null gives rules an event of it: of a bucket by its subject, of a
// compacted topic by the record's key.
func TestRemovalsReachCustomerIO(t *testing.T) {
	beside(t)
	ctx := context.Background()
	t.Run("bucket", func(t *testing.T) {
		s := newSubjects(t)
		bucket, err := s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "people", History: 5})
		if err != nil {
			t.Fatal(err)
		}
		s.write("rules.yaml", `rules:
  - name: person
    event: $KV.people
    if: $message.operation == null
    do: [{identify: {person: '$message.subject | split(".") | last', attributes: {plan: .plan}}}]
  - name: gone
    event: $KV.people
    if: $message.operation == "delete" or $message.operation == "purge"
    do: [{delete: {person: '$message.subject | split(".") | last'}}]
`)
		for _, err := range []error{
			second(bucket.PutString(ctx, "c1", `{"plan":"pro"}`)), second(bucket.PutString(ctx, "c2", `{"plan":"free"}`)),
			bucket.Delete(ctx, "c1"), bucket.Purge(ctx, "c2"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		start(t, "run", "-c", s.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, session_timeout: 10s, "+
			"streams: [{name: KV_people, on_null: event, "+
			"envelope: {type: '$message.subject | split(\".\") | .[:2] | join(\".\")'}}]}}", s.url),
			"{file: "+s.path("dead.jsonl")+"}"))
		s.receives("delete", "id:c1")
		s.receives("delete", "id:c2")
	})
	t.Run("topic", func(t *testing.T) {
		b := newBus(t, 1)
		b.write("rules.yaml", "rules: [{name: gone, event: \"null.*\", do: [{delete: {person: $message.key}}]}]\n")
		path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, "+
			"session_timeout: 10s, topics: [{name: %s, on_null: event}]}}", b.brokers[0], eventsTopic),
			"{topic: "+deadTopic+"}")
		err := b.client.ProduceSync(ctx, &kgo.Record{Key: []byte("c_8")}, &kgo.Record{Key: []byte("c_9"),
			Value: []byte("null")}).FirstErr()
		if err != nil {
			t.Fatal(err)
		}
		start(t, "run", "-c", path)
		b.receives("delete", "id:c_8")
		b.receives("delete", "id:c_9")
	})
}

func second[T any](_ T, err error) error { return err }

// A record without a value is a tombstone, unless its headers are those of a CloudEvent without data.
func TestCloudEventWithoutDataArrives(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.write("rules.yaml", "rules: [{name: gone, event: com.acme.user.deleted, do: [{delete: {person: .subject}}]}]\n")
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 10s, "+
		"topics: [{name: %s, envelope: cloudevents, on_null: skip}]}}",
		b.brokers[0], eventsTopic), "{topic: "+deadTopic+"}")
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	records := []*kgo.Record{
		{Key: []byte("c_8")},
		{Key: []byte("c_9"), Headers: []kgo.RecordHeader{header("ce_specversion", "1.0"), header("ce_id", "1"),
			header("ce_source", "/users"),
			header("ce_type", "com.acme.user.deleted"), header("ce_subject", "c_9")}},
	}
	if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", path)
	b.receives("delete", "id:c_9")
	p.skipped(1)
}

// receives waits until Customer.io has taken a call.
func (w *world) receives(action, person string) {
	w.t.Helper()
	eventually(w.t, action+" of "+person, 20*time.Second, func() bool {
		return slices.ContainsFunc(w.cio.Receipts(0), func(r emulator.Receipt) bool {
			return r.Taken &&
				r.Action == action && r.Person == person
		})
	})
}

// skipped waits until the bridge's metrics count so many skipped messages.
func (p *process) skipped(n int) {
	p.t.Helper()
	_, rest, _ := strings.Cut(p.log.String(), `"admin":"`)
	admin, _, _ := strings.Cut(rest, `"`)
	eventually(p.t, "skipped messages in the metrics", 20*time.Second, func() bool {
		return strings.Contains(get(p.t, "http://"+admin+"/metrics"),
			fmt.Sprintf("ciobridge_messages_total{outcome=\"skipped\"} %d\n", n))
	})
}
