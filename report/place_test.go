package report_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	natsjetstream "github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/file"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
	"github.com/ciobridge/ciobridge/report/jetstream"
	"github.com/ciobridge/ciobridge/report/kafka"
)

// A mortal is a target and a store of a process that dies at a call: before it takes effect, or behind it.
type mortal struct {
	report.Store
	target report.Target
	behind bool
	left   int // calls until it dies
	kill   context.CancelFunc
	seen   map[string]cloudevent.Event // by id, all that was ever to be published
}

func (m *mortal) do(ctx context.Context, call func() error) error {
	m.left--
	if m.left == 0 && !m.behind {
		m.kill()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := call()
	if m.left == 0 {
		m.kill()
		return context.Canceled
	}
	return err
}

func (m *mortal) Put(ctx context.Context, key string, value []byte) error {
	return m.do(ctx, func() error { return m.Store.Put(ctx, key, value) })
}

type mortalTarget struct {
	report.Target
	*mortal
}

func (m mortalTarget) Check(ctx context.Context) error { return m.target.Check(ctx) }
func (m mortalTarget) Place() string                   { return m.target.Place() }
func (m mortalTarget) Close()                          { m.target.Close() }

func (m mortalTarget) Publish(ctx context.Context, events []cloudevent.Event) error {
	for _, e := range events {
		m.seen[e.ID] = e
	}
	return m.do(ctx, func() error { return m.target.Publish(ctx, events) })
}

// bus opens a target and a store, as a process does.
type bus func() (report.Target, report.Store, error)

func kafkaBus(t *testing.T) bus {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "reports"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return func() (report.Target, report.Store, error) {
		conn, err := broker.NewKafka(broker.KafkaConfig{Brokers: cluster.ListenAddrs()})
		if err != nil {
			return nil, nil, err
		}
		t.Cleanup(conn.Close)
		store := kafka.NewStore(conn, report.StateConfig{Topic: "state", Create: true})
		_, err = store.Check(t.Context())
		return kafka.NewTarget(conn, "reports"), store, err
	}
}

func natsBus(t *testing.T) bus {
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
	return func() (report.Target, report.Store, error) {
		conn, err := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: []string{srv.ClientURL()}},
			canarytest.Logger(t))
		if err != nil {
			return nil, nil, err
		}
		t.Cleanup(conn.Close)
		_, err = conn.JetStream().CreateOrUpdateStream(t.Context(), natsjetstream.StreamConfig{
			Name: "R", Subjects: []string{"reports.>"}})
		if err != nil {
			return nil, nil, err
		}
		store := jetstream.NewStore(conn, report.StateConfig{Bucket: "state"})
		if _, err = store.Check(t.Context()); err != nil {
			return nil, nil, err
		}
		target, err := jetstream.NewTarget(conn, "reports")
		return target, store, err
	}
}

func fileBus(t *testing.T) bus {
	dir := t.TempDir()
	return func() (report.Target, report.Store, error) {
		target := file.NewTarget(filepath.Join(dir, "rows.csv"), "csv")
		store := file.NewStore(filepath.Join(dir, "state"))
		t.Cleanup(target.Close)
		t.Cleanup(store.Close)
		return target, store, nil
	}
}

// At each place of rows and of their state, with real time: whichever call a process dies at, the next one goes on so
// that each revision is there once and the last is what was told last.
func TestKilledAtEachPlace(t *testing.T) {
	longtest.Only(t)
	for name, open := range map[string]func(*testing.T) bus{"kafka": kafkaBus, "jetstream": natsBus, "file": fileBus} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, seen, bus := reporttest.NewWorld(), map[string]cloudevent.Event{}, open(t)
			for at := 1; at < 8; at++ {
				if err := once(t, w, bus, seen, at, 10*at); err == nil {
					t.Fatalf("no call %d", at)
				}
				if err := once(t, w, bus, seen, 0, 10*at+at%3); err != nil { // the numbers are others by then, or not
					t.Fatal(err)
				}
			}
			target, _, err := bus()
			if err != nil {
				t.Fatal(err)
			}
			compare(t, w, target, seen)
		})
	}
}

// once runs the report, with these numbers, in a process that dies at a call; 0 means never.
func once(t *testing.T, w *reporttest.World, open bus, seen map[string]cloudevent.Event, at, numbers int) error {
	target, store, err := open()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := &mortal{Store: store, target: target, behind: at%2 == 0, left: at, kill: cancel, seen: seen}
	reader := &reporttest.Reader{Process: w.Process(reporttest.Fault{}, func() {}), Objects: 4, Windows: 3,
		Data: func(object, _ int) string { return fmt.Sprintf(`{"object":%d,"sent":%d}`, object, numbers) },
	}
	r, err := report.New(report.Options{
		Reports: []report.Report{{
			Config: report.Config{Name: "numbers", Type: "campaigns", Schedule: "0 0 1 1 *"},
			Reader: reader, Target: mortalTarget{target, m},
		}},
		Store: m, Log: canarytest.Logger(t),
		DeadLetter: func(context.Context, report.Letter) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Divide(5, 1000)
	_, err = r.Once(ctx, "numbers", report.Hand{})
	return err
}

// compare looks at what the target holds.
func compare(t *testing.T, w *reporttest.World, target report.Target, seen map[string]cloudevent.Event) {
	revisions, last := map[reporttest.Key]map[int]bool{}, map[reporttest.Key]cloudevent.Event{}
	err := target.Published(t.Context(), "", func(id, hash string) {
		e := seen[id]
		told, ok := e.Data.(report.Content)
		key := reporttest.Key{Object: told.Object, Window: told.Window}
		switch {
		case !ok:
			t.Errorf("%s was never to be published", id)
		case revisions[key][e.Revision]:
			t.Errorf("revision %d of %v is there twice", e.Revision, key)
		case revisions[key] == nil:
			revisions[key] = map[int]bool{}
		}
		if revisions[key][e.Revision] = true; e.Revision >= last[key].Revision {
			last[key] = e
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for key, content := range w.Told {
		told, _ := last[key].Data.(report.Content)
		if string(told.Row) != content || len(revisions[key]) != last[key].Revision {
			t.Errorf("of %v the last is %s of %v, and what was told %s", key, told.Row, revisions[key], content)
		}
		n += len(revisions[key])
	}
	t.Log(fmt.Sprint(n, " events of ", len(w.Told), " rows"))
	if n < len(w.Told)+10 {
		t.Error("there are hardly any revisions")
	}
}
