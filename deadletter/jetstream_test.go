package deadletter_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	nats "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
	"github.com/ciobridge/ciobridge/event"
)

func TestJetStreamMissingStreamIsNotMade(t *testing.T) {
	t.Parallel()
	js, _ := lettertest.StartNATS(t)
	for _, cfg := range []deadletter.Config{{Subject: "dead.letters"}, {Subject: "dead.letters", Stream: "DEAD"}} {
		s := jetstream.New(js, cfg, "")
		if err := lettertest.Put(t, s, lettertest.Failed(1)); !errors.Is(err, deadletter.ErrMissing) {
			t.Errorf("put: %v", err)
		}
		if err := s.Scan(t.Context(), nil); !errors.Is(err, deadletter.ErrMissing) {
			t.Errorf("scan: %v", err)
		}
		if _, err := s.Check(t.Context()); !errors.Is(err, deadletter.ErrMissing) ||
			!strings.Contains(err.Error(), "dead_letters.create") {
			t.Errorf("check: %v", err)
		}
	}
	s := jetstream.New(js, deadletter.Config{Subject: "dead.letters", Stream: "DEAD", Create: true}, "")
	weak, err := s.Check(t.Context())
	if err != nil || len(weak) != 1 || !strings.Contains(weak[0], "one replica") {
		t.Errorf("check: %q, %v", weak, err)
	}
	lettertest.MustPut(t, s, lettertest.Failed(1))
}

func TestJetStreamTakesLettersOnlyIntoItsStream(t *testing.T) {
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "OTHER", Subjects: []string{"dead.>"}})
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"elsewhere"}})
	s := jetstream.New(js, deadletter.Config{Subject: "dead.letters", Stream: "DEAD"}, "")
	if err := lettertest.Put(t, s, lettertest.Failed(1)); !errors.Is(err, deadletter.ErrMissing) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Check(t.Context()); !errors.Is(err, deadletter.ErrMissing) ||
		!strings.Contains(err.Error(), "OTHER") {
		t.Errorf("check: %v", err)
	}
	lettertest.MustPut(t, jetstream.New(js, deadletter.Config{Subject: "dead.letters"}, ""), lettertest.Failed(1))
}

func TestJetStreamFullIsNotStored(t *testing.T) {
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}, MaxMsgs: 3,
		Discard: nats.DiscardNew})
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "")
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 3)...)
	if err := lettertest.Put(t, s, lettertest.Failed(3)); !errors.Is(err, deadletter.ErrFull) {
		t.Errorf("got %v", err)
	}
}

func TestJetStreamDropsRepeatsOfALetter(t *testing.T) {
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "")
	lettertest.MustPut(t, s, lettertest.Failed(1))
	lettertest.MustPut(t, s, lettertest.Failed(1))
	again := lettertest.Failed(1)
	again.Failures[0].Attempts++
	lettertest.MustPut(t, s, again)
	if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 2 {
		t.Errorf("%d letters, want one for each count of attempts", len(letters))
	}
}

func TestJetStreamCutsWhatTheStreamDoesNotTake(t *testing.T) {
	t.Parallel()
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}, MaxMsgSize: 20_000})
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "")
	huge := lettertest.Failed(1)
	huge.Message.Value = bytes.Repeat([]byte("x"), 2<<20) // more than the connection takes, too
	lettertest.MustPut(t, s, huge, lettertest.Failed(2))
	letters, _, _ := logtest.ScanAll(t, s)
	if len(letters) != 2 {
		t.Fatalf("%d letters", len(letters))
	}
	for _, l := range letters {
		if (l.Truncated != nil) != (l.ID() == huge.Failures[0].ID) {
			t.Errorf("letter %s: cut is %v", l.ID(), l.Truncated)
		}
	}
}

// JetStream takes 64 KiB of headers, and key and failures are headers. Above that failures are divided, and a message
// is cut.
func TestJetStreamTakesSoManyHeaders(t *testing.T) {
	t.Parallel()
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "hash")
	key, headers, several := lettertest.Failed(1), lettertest.Failed(2), lettertest.WithFailures(lettertest.Failed(3),
		3_000)
	key.Message.Key = bytes.Repeat([]byte("k"), 60_000)
	headers.Message.Headers = []event.Header{{Key: "x", Value: bytes.Repeat([]byte("v"), 70_000)}}
	fits := lettertest.Failed(4)
	fits.Message.Headers = []event.Header{{Key: "x", Value: bytes.Repeat([]byte("v"), 60_000)}}
	several.Message.Value = bytes.Repeat([]byte("v"), 100_000)
	fits.Message.Value = several.Message.Value
	for i := range several.Failures {
		several.Failures[i].ID = event.ID{1, byte(i >> 8), byte(i)}
	}
	for _, l := range []event.FailedMessage{key, headers} {
		if _, err := js.PublishMsg(t.Context(), uncut(&l)); err == nil {
			t.Fatal("the server takes any headers") // and this test is none
		}
	}
	lettertest.MustPut(t, s, key, headers, several, fits)
	letters, _, foreign := logtest.ScanAll(t, s)
	if len(letters) != len(several.Failures)+3 || foreign != 0 {
		t.Errorf("%d letters, %d foreign", len(letters), foreign)
	}
	for _, l := range letters {
		cut := l.ID() == key.Failures[0].ID || l.ID() == headers.Failures[0].ID
		if (l.Truncated != nil) != cut {
			t.Errorf("letter %s: cut is %v", l.ID(), l.Truncated)
		}
		if !cut && len(l.Message.Value) != 100_000 || cut && len(l.Message.Value) == 0 {
			t.Errorf("letter %s: %d bytes of value", l.ID(), len(l.Message.Value))
		}
	}
}

// uncut is a failed message as one message of the stream, however large its headers are.
func uncut(failed *event.FailedMessage) *client.Msg {
	r := deadletter.Encode(failed, lettertest.Time, "hash")
	m := &client.Msg{Subject: "dead", Data: r.Value, Header: client.Header{
		deadletter.HeaderKey: {base64.StdEncoding.EncodeToString(r.Key)},
	}}
	for _, h := range r.Headers {
		m.Header[h.Key] = append(m.Header[h.Key], string(h.Value))
	}
	return m
}

func TestJetStreamDownIsUnreachable(t *testing.T) {
	js, srv := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
	s := jetstream.New(js, deadletter.Config{Subject: "dead", Timeout: 300 * time.Millisecond}, "")
	lettertest.MustPut(t, s, lettertest.Failed(1))
	srv.Shutdown()
	if err := lettertest.Put(t, s, lettertest.Failed(2)); !errors.Is(err, deadletter.ErrUnreachable) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Check(t.Context()); !errors.Is(err, deadletter.ErrUnreachable) {
		t.Errorf("check: %v", err)
	}
}

func TestJetStreamReadsPastForeignMessages(t *testing.T) {
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead", "other"}})
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "")
	lettertest.MustPut(t, s, lettertest.Failed(1))
	for subject, data := range map[string]string{"dead": "hello", "other": "not ours to read"} {
		if _, err := js.Publish(t.Context(), subject, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	lettertest.MustPut(t, s, lettertest.Failed(2))
	letters, _, foreign := logtest.ScanAll(t, s)
	if len(letters) != 2 || foreign != 1 {
		t.Errorf("%d letters and %d foreign, want 2 and 1", len(letters), foreign)
	}
	stream, err := js.Stream(t.Context(), "DEAD")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), uint64(letters[0].Position.Offset)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), letters[0].Position); !errors.Is(err, deadletter.ErrGone) {
		t.Errorf("got %v", err)
	}
	if got := logtest.Listed(t, s, deadletter.Filter{All: true}); len(got) != 1 {
		t.Errorf("%d letters are left, want 1", len(got))
	}
	if info, err := stream.Info(t.Context()); err != nil || info.State.Consumers != 0 {
		t.Errorf("%d consumers were left behind (%v)", info.State.Consumers, err)
	}
}

// described is a server that keeps the subject in a stream of those settings, some of which a single server does not
// give, such as replicas.
type described struct {
	nats.JetStream
	config nats.StreamConfig
}

func (d described) StreamNameBySubject(context.Context, string) (string, error) {
	return d.config.Name, nil
}

func (d described) Stream(context.Context, string) (nats.Stream, error) {
	return describedStream{config: d.config}, nil
}

type describedStream struct {
	nats.Stream
	config nats.StreamConfig
}

func (d describedStream) CachedInfo() *nats.StreamInfo { return &nats.StreamInfo{Config: d.config} }

func TestJudgeStream(t *testing.T) {
	good := nats.StreamConfig{Name: "DEAD", Replicas: 3, Storage: nats.FileStorage}
	for name, c := range map[string]struct {
		change    func(*nats.StreamConfig)
		weak, err string
	}{
		"good":        {func(*nats.StreamConfig) {}, "", ""},
		"work queue":  {func(c *nats.StreamConfig) { c.Retention = nats.WorkQueuePolicy }, "", "use limits"},
		"interest":    {func(c *nats.StreamConfig) { c.Retention = nats.InterestPolicy }, "", "use limits"},
		"no ack":      {func(c *nats.StreamConfig) { c.NoAck = true }, "", "no_ack"},
		"mirror":      {func(c *nats.StreamConfig) { c.Mirror = &nats.StreamSource{} }, "", "mirror"},
		"per subject": {func(c *nats.StreamConfig) { c.MaxMsgsPerSubject = 1 }, "", "max_msgs_per_subject"},
		"memory":      {func(c *nats.StreamConfig) { c.Storage = nats.MemoryStorage }, "memory", ""},
		"one replica": {func(c *nats.StreamConfig) { c.Replicas = 1 }, "one replica", ""},
		"old go":      {func(c *nats.StreamConfig) { c.MaxBytes = 1 }, "oldest letters go", ""},
		"new wait":    {func(c *nats.StreamConfig) { c.MaxBytes, c.Discard = 1, nats.DiscardNew }, "", ""},
		"short":       {func(c *nats.StreamConfig) { c.MaxAge = time.Hour }, "max_age is 1h", ""},
	} {
		cfg := good
		c.change(&cfg)
		s := jetstream.New(described{config: cfg}, deadletter.Config{Subject: "dead", Stream: "DEAD"}, "")
		weak, err := s.Check(t.Context())
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(weak, "\n"); (got == "") != (c.weak == "") || !strings.Contains(got, c.weak) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
