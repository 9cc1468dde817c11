package webhook_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/webhook"
	"github.com/ciobridge/ciobridge/webhook/jetstream"
)

// A stream that keeps other subjects too, which is made again, and whose consumer the server removes, still tells of
// every event once.
func TestReadTellsWhatIsStored(t *testing.T) {
	t.Parallel()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "data"),
		Listen: "127.0.0.1:0"}.WithDefaults(), canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	conn, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := natsjetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	config := natsjetstream.StreamConfig{Name: "ALL", Subjects: []string{"hooks.>", "other"}, MaxMsgSize: 1000}
	stream, err := js.CreateStream(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(bus *jetstream.Bus, id string) {
		t.Helper()
		if err := bus.Publish(ctx, &cloudevent.Event{ID: id}, "email", "sent"); err != nil {
			t.Fatal(err)
		}
	}
	read := func(bus *jetstream.Bus, count int) (ids []string) {
		t.Helper()
		if err := bus.Read(ctx, count, func(id string) { ids = append(ids, id) }); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	writer := jetstream.New(js, "hooks")
	for i := range 10 {
		publish(writer, fmt.Sprint(i))
		for range 30 {
			if _, err := js.Publish(ctx, "other", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	few := jetstream.New(js, "hooks")
	if got := read(few, 5); len(got) < 5 || !slices.Contains(got, "9") || slices.Contains(got, "0") {
		t.Errorf("the latest are %v", got)
	}
	publish(writer, "10")
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if err := stream.DeleteConsumer(ctx, name); err != nil {
			t.Error(err)
		}
	}
	publish(writer, "11")
	if got := read(few, 5); fmt.Sprint(got) != "[10 11]" {
		t.Errorf("then come %v", got)
	}
	err = writer.Publish(ctx, &cloudevent.Event{ID: "12", Data: strings.Repeat("x", 1000)}, "email", "sent")
	if !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("a large event: %v", err)
	}
	err = writer.Publish(ctx, &cloudevent.Event{ID: "12", Data: strings.Repeat("x", 9<<20)}, "email", "sent")
	if !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("a very large event: %v", err)
	}
	if err := js.DeleteStream(ctx, "ALL"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	publish(writer, "13")
	if got := read(few, 5); fmt.Sprint(got) != "[13]" {
		t.Errorf("of the new stream come %v", got)
	}
}
