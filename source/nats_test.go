package source_test

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
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/source/nats"
)

// embedded connects to a server that is started for it, and keeps the streams that are read.
func embedded(t *testing.T, streams ...nats.Stream) *nats.Broker {
	t.Helper()
	s := &nats.Embedded{Dir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0",
		Reading: nats.Reading{Config: jetstream.DefaultConfig(), Streams: streams}}
	return connect(t, s)
}

// beside connects to the server of another, and reads other parts of its streams.
func beside(t *testing.T, own *nats.Broker, streams ...nats.Stream) *nats.Broker {
	t.Helper()
	return connect(t, &nats.Section{NATSConfig: broker.NATSConfig{URLs: []string{own.Server().URL()}},
		Reading: nats.Reading{Config: jetstream.DefaultConfig(), Streams: streams}})
}

func connect(t *testing.T, s source.Section) *nats.Broker {
	t.Helper()
	b, err := s.Connect(t.Context(), canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.(*nats.Broker)
}

// What is told twice under one id is stored once, on a subject that a stream keeps; fences are kept in a bucket beside.
func TestTellAndFences(t *testing.T) {
	t.Parallel()
	b := embedded(t, nats.Stream{Name: "TOLD", Subjects: []string{"told.>"}})
	for range 2 {
		if err := b.Tell(t.Context(), "told.erased", "1", "1", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := b.Connection().JetStream().Stream(t.Context(), "TOLD")
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
	r := nats.Reading{Streams: []nats.Stream{{Name: "EVENTS", Subjects: []string{"events.>"}}}}
	if r.CheckFences(erasure.Config{ReportSubject: "events.erased"}) == nil ||
		r.CheckFences(erasure.Config{Topic: "t"}) == nil || r.CheckFences(erasure.Config{ReportTopic: "t"}) == nil ||
		r.CheckFences(erasure.Config{Bucket: "b", ReportSubject: "told.erased"}) != nil {
		t.Error("places of fences and reports are not told apart")
	}
}

// Of a stream that is read without naming its subjects only the server knows what it keeps.
func TestAnswersThatWouldComeBack(t *testing.T) {
	t.Parallel()
	own := embedded(t,
		nats.Stream{Name: "READ", Subjects: []string{"read.>"}},
		nats.Stream{Name: "PART", Subjects: []string{"part.>"}},
		nats.Stream{Name: "OTHER", Subjects: []string{"other.>"}},
	)
	b := beside(t, own, nats.Stream{Name: "READ"}, nats.Stream{Name: "PART", Subjects: []string{"part.*.new"}})
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
