package jetstream

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/placetest"
)

func TestMain(m *testing.M) {
	longtest.Together(24)
	goleak.VerifyTestMain(m,
		// the server's clock, started at import
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.init.0.func1"),
	)
}

const session = 600 * time.Millisecond

func start(t testing.TB) (url string) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(5 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv.ClientURL()
}

func connect(t testing.TB, url string) *broker.NATS {
	t.Helper()
	conn, err := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: []string{url}}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func open(t testing.TB, conn *broker.NATS, subject string) *Target {
	t.Helper()
	target, err := NewTarget(conn, subject)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func create(t testing.TB, js jetstream.JetStream, c jetstream.StreamConfig) jetstream.Stream {
	t.Helper()
	stream, err := js.CreateStream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func remove(t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	if err := js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

func target(t *testing.T, url string) {
	js := connect(t, url).JetStream()
	config := jetstream.StreamConfig{Name: "ALL", Subjects: []string{"reports.>", "other"}, MaxMsgSize: 20_000}
	stream := create(t, js, config)
	placetest.Targets(t, placetest.TargetPlace{
		Open:   func() report.Target { return open(t, connect(t, url), "reports") },
		Stored: func() map[string][]string { return stored(t, stream) },
		Remake: func() {
			remove(t, js, "ALL")
			stream = create(t, js, config)
		},
		Remove: func() { remove(t, js, "ALL") },
		Large:  20_000,
	})
}

// stored are the ids of a stream by their subjects.
func stored(t *testing.T, stream jetstream.Stream) map[string][]string {
	t.Helper()
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string][]string{}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		id := m.Header.Get(cloudevent.IDHeader)
		if m.Subject != "reports.campaigns" || m.Header.Get(jetstream.MsgIDHeader) != id {
			t.Errorf("%s stands under %s with %v", id, m.Subject, m.Header)
		}
		_, rest, _ := strings.Cut(string(m.Data), `"subject":"`)
		subject, _, _ := strings.Cut(rest, `"`)
		ids[subject] = append(ids[subject], id)
	}
	return ids
}

// stores are those of processes whose right lasts for so long.
func stores(t *testing.T, url string, session time.Duration) placetest.StorePlace {
	return placetest.StorePlace{Session: session, Open: func() (report.Store, func()) {
		conn := connect(t, url)
		s := NewStore(conn, report.StateConfig{Bucket: "state"})
		s.lead.Session, s.lead.Settle = session, session/4
		return s, conn.Close
	}}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	target(t, start(t))
}

func TestStore(t *testing.T) {
	t.Parallel()
	placetest.Stores(t, stores(t, start(t), session))
}

func TestDeath(t *testing.T) {
	t.Parallel()
	placetest.Deaths(t, stores(t, start(t), session))
}

func TestRealNATS(t *testing.T) {
	url := "nats://" + containertest.Start(t, "nats", "").Address()
	t.Run("target", func(t *testing.T) { target(t, url) })
	t.Run("store", func(t *testing.T) { placetest.Stores(t, stores(t, url, 2*time.Second)) })
	t.Run("death", func(t *testing.T) { placetest.Deaths(t, stores(t, url, 2*time.Second)) })
}

// A stream that keeps other subjects too, and whose limits take messages away, tells of what is there.
func TestStreamWithOthers(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t))
	js := conn.JetStream()
	create(t, js, jetstream.StreamConfig{Name: "ALL", Subjects: []string{"reports.>", "other"}, MaxMsgs: 40})
	target := open(t, conn, "reports")
	var events []cloudevent.Event
	for i := range 30 {
		events = append(events, placetest.Event(string(rune('A'+i)), "a"))
	}
	if err := target.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := js.Publish(t.Context(), "other", nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := placetest.Published(t, target, ""); len(got) != 20 || got["A"] != "" || got["K"] == "" {
		t.Errorf("of a stream that was cut is told %v", got)
	}
	position, err := target.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err := js.Publish(t.Context(), "other", nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, since := range []string{"", position} {
		if got := placetest.Published(t, target, since); len(got) != 0 {
			t.Errorf("of a stream without our events is told %v", got)
		}
	}
	large := placetest.Event("large", "a")
	large.Data = strings.Repeat("x", 2<<20) // more than the server takes of anybody
	if err := target.Publish(t.Context(), []cloudevent.Event{large}); !errors.Is(err, report.ErrTooLarge) {
		t.Errorf("an event that is too large for the server: %v", err)
	}
	if err := target.Published(t.Context(), "12", nil); err == nil {
		t.Error("a position that is none is understood")
	}
}

// What the stream drops for an event that it took before is not published: that one may have been removed since.
func TestADuplicateIsNotPublished(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t))
	window := 100 * time.Millisecond
	stream := create(t, conn.JetStream(), jetstream.StreamConfig{Name: "R", Subjects: []string{"reports.>"},
		Duplicates: window})
	target := open(t, conn, "reports")
	events := []cloudevent.Event{placetest.Event("1", "a"), placetest.Event("2", "a")}
	if err := target.Publish(t.Context(), events[:1]); err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := target.Publish(t.Context(), events); !errors.Is(err, errDuplicate) {
		t.Errorf("an event that the stream drops: %v", err)
	}
	if got := placetest.Published(t, target, ""); len(got) != 1 || got["2"] == "" {
		t.Errorf("told is %v", got)
	}
	for begun := time.Now(); target.Publish(t.Context(), events[:1]) != nil; {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("it is dropped for ever")
		}
		time.Sleep(window / 2)
	}
	if got := placetest.Published(t, target, ""); len(got) != 2 {
		t.Errorf("told is %v", got)
	}
}

// A state that is not shown to its end is an error, unless the end was removed.
func TestTheEndOfAStateIsNotShown(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t))
	js := conn.JetStream()
	s := NewStore(conn, report.StateConfig{Bucket: "state"})
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_state")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.Subjects = append(config.Subjects, "hidden") // in place of a replica that lags
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "hidden", nil); err != nil {
		t.Fatal(err)
	}
	s.lag = 50 * time.Millisecond
	load := func() (n int, err error) {
		err = s.Load(t.Context(), "", func(string, []byte) error {
			n++
			return nil
		})
		return n, err
	}
	if n, err := load(); !errors.Is(err, errLag) || n != 0 {
		t.Errorf("%d are shown, %v", n, err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject("hidden")); err != nil {
		t.Fatal(err)
	}
	if n, err := load(); err != nil || n != 1 {
		t.Errorf("%d are shown, %v", n, err)
	}
}

// A server that is away is an error, of which nothing comes late.
func TestServerIsAway(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t))
	create(t, conn.JetStream(), jetstream.StreamConfig{Name: "R", Subjects: []string{"reports.>"}})
	target := open(t, conn, "reports")
	conn.Conn().Close()
	if err := target.Publish(t.Context(), []cloudevent.Event{placetest.Event("1", "a")}); err == nil {
		t.Error("it is published")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := target.Published(ctx, "", func(string, string) {}); err == nil {
		t.Error("it is read")
	}
}

// What a stream and a bucket must be is said with what to do.
func TestCheck(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t))
	js := conn.JetStream()
	config := func(name string, change func(*jetstream.StreamConfig)) {
		c := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.MemoryStorage}
		change(&c)
		create(t, js, c)
	}
	config("one", func(c *jetstream.StreamConfig) { c.Subjects = []string{"one.campaigns"} })
	config("queue", func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy })
	config("last", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 })
	config("deaf", func(c *jetstream.StreamConfig) { c.NoAck = true })
	config("fit", func(*jetstream.StreamConfig) {})
	for name, want := range map[string]struct {
		is   error
		says string
	}{
		"missing": {report.ErrMissing, "nats stream add MISSING "}, "one": {report.ErrMissing, "one.>"},
		"queue": {report.ErrUnfit, "use limits"}, "last": {report.ErrUnfit, "max_msgs_per_subject"},
		"deaf": {report.ErrUnfit, "no_ack"}, "fit": {},
	} {
		err := open(t, conn, name).Check(t.Context())
		if !errors.Is(err, want.is) || err != nil && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []jetstream.KeyValueConfig{
		{Bucket: "forgets", TTL: time.Hour}, {Bucket: "memory", Storage: jetstream.MemoryStorage},
	} {
		if _, err := js.CreateKeyValue(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	check := func(bucket string) ([]string, error) {
		return NewStore(conn, report.StateConfig{Bucket: bucket}).Check(t.Context())
	}
	if _, err := check("forgets"); !errors.Is(err, report.ErrUnfit) || !strings.Contains(err.Error(), "--max-age=0") {
		t.Errorf("a bucket that forgets: %v", err)
	}
	if weak, err := check("memory"); err != nil || len(weak) != 2 {
		t.Errorf("a bucket in memory: %q, %v", weak, err)
	}
	s := NewStore(conn, report.StateConfig{Bucket: "missing"})
	if err := s.Put(t.Context(), "a", []byte("b")); !errors.Is(err, report.ErrMissing) {
		t.Errorf("a bucket that is missing: %v", err)
	}
	large := NewStore(conn, report.StateConfig{Bucket: "memory"})
	if err := large.Put(t.Context(), "a", []byte(strings.Repeat("x", 2<<20))); !errors.Is(err, report.ErrTooLarge) {
		t.Errorf("a large value: %v", err)
	}
}

func BenchmarkPublish(b *testing.B) {
	conn := connect(b, start(b))
	create(b, conn.JetStream(), jetstream.StreamConfig{Name: "R", Subjects: []string{"reports.>"}})
	placetest.Rate(b, open(b, conn, "reports"))
}
