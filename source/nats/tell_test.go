package nats

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/secret"
)

// What is told twice under one id is stored once, on a subject that a stream keeps; fences are kept in a bucket beside.
func TestTellAndFences(t *testing.T) {
	t.Parallel()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Dir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0",
		Streams: []broker.EmbeddedStream{{Name: "TOLD", Subjects: []string{"told.>"}}},
	}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{conn: conn, server: server, config: jetstream.DefaultConfig()}
	defer b.Close()
	for range 2 {
		if err := b.Tell(t.Context(), "told.erased", "1", "1", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := conn.JetStream().Stream(t.Context(), "TOLD")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d messages", n)
	}
	if err := b.Tell(t.Context(), "nobody.keeps", "1", "1", nil); err == nil {
		t.Error("what no stream keeps is told")
	}
	log := b.Fences(erasure.Config{Bucket: "erased"})
	digest := erasure.NewDigester(secret.New("0123456789abcdef"))
	if err := erasure.NewFences(log, digest).Open(t.Context()); err != nil {
		t.Error(err)
	}
	r := Reading{Streams: []Stream{{Name: "EVENTS", Subjects: []string{"events.>"}}}}
	if r.CheckFences(erasure.Config{ReportSubject: "events.erased"}) == nil ||
		r.CheckFences(erasure.Config{Topic: "t"}) == nil || r.CheckFences(erasure.Config{ReportTopic: "t"}) == nil ||
		r.CheckFences(erasure.Config{Bucket: "b", ReportSubject: "told.erased"}) != nil {
		t.Error("places of fences and reports are not told apart")
	}
}

// Of a stream that is read without naming its subjects only the server knows what it keeps.
func TestAnswersThatWouldComeBack(t *testing.T) {
	t.Parallel()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Dir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0",
		Streams: []broker.EmbeddedStream{
			{Name: "READ", Subjects: []string{"read.>"}}, {Name: "PART", Subjects: []string{"part.>"}},
			{Name: "OTHER", Subjects: []string{"other.>"}},
		},
	}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{conn: conn, server: server, config: jetstream.DefaultConfig()}
	defer b.Close()
	b.config.Streams = []jetstream.StreamConfig{{Name: "READ"}, {Name: "PART", Subjects: []string{"part.*.new"}}}
	for subject, refused := range map[string]bool{
		"read.answers": true, "part.a.new": true, "part.a.old": false, "other.x": false,
		"kept.by.nobody": false, "": false,
	} {
		err := b.CheckApart(t.Context(), "reply_to of the rule", subject)
		var coded *exit.Error
		if refused != (errors.As(err, &coded) && coded.Code == exit.Input &&
			strings.Contains(err.Error(), "reply_to of the rule")) {
			t.Errorf("%q: %v", subject, err)
		}
	}
}
