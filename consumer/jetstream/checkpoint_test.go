package jetstream

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
)

// stored is the checkpoint of the bridge's reader, zero while there is none.
func (s *natsServer) stored() *checkpoint {
	s.t.Helper()
	store := newCheckpointStore(s.client, &partition{stream: "EVENTS", durable: "ciobridge"})
	if there, err := store.open(s.t.Context()); err != nil || !there {
		return &checkpoint{}
	}
	stored, err := store.load(s.t.Context())
	if err != nil || stored == nil {
		return &checkpoint{}
	}
	return stored
}

// A reader that is killed repeats only what was in flight and not done: what was done out of turn was stored with the
// floor.
func TestJetStreamKilledRepeatsOnlyWhatWasNotDone(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 2000)
	slow := func(seq int64) bool { return seq == 3 || seq%400 == 7 }
	r := s.replica(fastConfig())
	r.autoAck = func(seq int64) bool { return !slow(seq) }
	r.start()
	waitUntil(t, "what is done is stored", func() bool { return s.stored().acked().Count() == 2000-3-5 })
	waitUntil(t, "the server's floor stands before what is not done", func() bool { return s.ackFloor() == 2 })
	r.crash()
	s.publish(2001, 2002)
	next := s.replica(fastConfig()).start()
	waitUntil(t, "the rest is read", func() bool { return next.last() == 2002 })
	wantSeen(t, "the next process", next.seen(), []int64{3, 7, 407, 807, 1207, 1607, 2001, 2002})
	waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == 2002 })
	next.stop()
	last := s.replica(fastConfig()).start()
	s.publish(2003, 2003)
	waitUntil(t, "the next message is read", func() bool { return last.last() == 2003 })
	wantSeen(t, "the one after a clean stop", last.seen(), []int64{2003})
}

// What is read by a filter is noted by its own sequences, with those of others between them.
func TestJetStreamKilledWithAFilter(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	for i := 1; i <= 20; i++ {
		s.publishTo(map[bool]string{true: "events.mine", false: "events.other"}[i%2 == 0], i, i)
	}
	cfg := fastConfig()
	cfg.Streams[0].Subjects = []string{"events.mine"}
	r := s.replica(cfg)
	r.autoAck = func(seq int64) bool { return seq != 6 && seq != 14 }
	r.start()
	waitUntil(t, "what is done is stored", func() bool { return r.last() == 20 && len(s.stored().acked()) == 2 })
	r.crash()
	next := s.replica(cfg).start()
	waitUntil(t, "the rest is acknowledged", func() bool { return s.ackFloor() == 20 })
	wantSeen(t, "the next process", next.seen(), []int64{6, 14})
	next.stop()
}

// Where the process lives on, nothing is repeated: what it had in flight when the server went is acked while there is
// none, and the next session knows it.
func TestJetStreamServerRestartRepeatsNothing(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig())
	r.autoAck = func(seq int64) bool { return seq <= 4 || seq > 10 }
	r.onLeaseEnd = func(event.Lease) { r.ack(5, 6, 7, 8, 10) }
	r.start()
	waitUntil(t, "floor is 4", func() bool { return r.last() == 10 && s.ackFloor() == 4 })
	s.restart()
	r.ack(9) // later still, with no session to belong to
	s.publish(11, 12)
	waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == 12 })
	wantSeen(t, "the reader", r.seen(), sequence(1, 12))
	if n := r.metric("ciobridge_stream_turns_total"); n < 1 {
		t.Error("the restart was not noticed")
	}
	r.stop()
}

// A new reader acknowledges soon after it began, whatever the interval.
func TestJetStreamCommitsSoonAfterTakeover(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	cfg := fastConfig()
	cfg.CommitInterval = time.Hour
	r := s.replica(cfg).start()
	waitUntil(t, "the first ten are acknowledged", func() bool {
		return s.ackFloor() == 10 && s.stored().Committable == 11
	})
	r.crash()
}

// Of two who read the same checkpoint, the second to begin fences the first, and a write whose outcome was unknown
// fences nobody.
func TestCheckpointFences(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	part := partition{stream: "EVENTS", durable: "a b/c"}
	open := func() *checkpointStore {
		c := newCheckpointStore(s.client, &part)
		if err := c.ensure(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	of := func(reader string, next int64, done consumer.AckedRanges) checkpoint {
		c := checkpoint{Stream: part.stream, Durable: part.durable, Created: time.Now(), Reader: reader}
		c.setAcked(next, done)
		return c
	}
	first, second := open(), open()
	if err := first.save(t.Context(), of("first", 3,
		consumer.AckedRanges{{From: 5, To: 7}, {From: 9, To: 10}})); err != nil {
		t.Fatal(err)
	}
	unknown := *first // its next write arrives, and it does not hear of it
	if err := unknown.save(t.Context(), of("first", 4, nil)); err != nil {
		t.Fatal(err)
	}
	if err := first.save(t.Context(), of("first", 5, consumer.AckedRanges{{From: 6, To: 8}})); err != nil {
		t.Errorf("after a write of unknown outcome: %v", err)
	}
	if err := second.save(t.Context(), of("second", 5, nil)); !errors.Is(err, errFenced) {
		t.Errorf("a reader that has not seen the last write: %v", err)
	}
	second = open()
	stored, err := second.load(t.Context())
	if err != nil || stored.Committable != 5 || !slices.Equal(stored.acked(), consumer.AckedRanges{{From: 6, To: 8}}) {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	if err := second.save(t.Context(), of("second", 5, nil)); err != nil {
		t.Errorf("the one that takes over: %v", err)
	}
	for range 2 { // to see who has taken over gives no right to replace it
		if err := first.save(t.Context(), of("first", 6, nil)); !errors.Is(err, errFenced) {
			t.Errorf("the one that was replaced: %v", err)
		}
	}
	// Somebody deletes the bucket: the reader makes it again.
	if err := s.client.JetStream().DeleteKeyValue(t.Context(), CheckpointBucket); err != nil {
		t.Fatal(err)
	}
	if err := second.save(t.Context(), of("second", 7, nil)); err == nil {
		t.Error("a write into nothing is reported as stored")
	}
	if err := second.save(t.Context(), of("second", 7, nil)); err != nil {
		t.Errorf("after the bucket was deleted: %v", err)
	}
}

// An operator goes back while a replica that has read it all stands by, without a pin on a quiet stream: it forgets
// what it knows.
func TestJetStreamOffsetsSetBesideAStandby(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	r := s.readFive()
	s.restart() // which forgets the pin
	waitUntil(t, "it stands by", func() bool { return r.state() == "standby" })
	s.goOnAt(4)
	waitUntil(t, "it reads again what it was set to", func() bool { return len(r.seen()) == 7 })
	wantSeen(t, "the reader", r.seen(), []int64{1, 2, 3, 4, 5, 4, 5})
	r.stop()
}

// An account that may not make streams is told how the bucket is made beforehand, and reads once it is there.
func TestJetStreamAccountThatMakesNoStreams(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	srv := startRestricted(t)
	admin := dialAs(t, srv, "admin")
	defer admin.Close()
	if _, err := admin.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}}); err != nil {
		t.Fatal(err)
	}
	s := &natsServer{t: t, client: admin}
	s.publish(1, 3)
	r := s.replicaOn(fastConfig(), dialAs(t, srv, "bridge")).start()
	waitUntil(t, "it says what it needs", func() bool {
		err := r.source.Ready()
		return err != nil && strings.Contains(err.Error(),
			"nats kv add ciobridge --history=1 --storage=file --replicas=1") &&
			strings.Contains(err.Error(), "$KV.ciobridge.>")
	})
	if _, err := admin.JetStream().CreateKeyValue(t.Context(),
		jetstream.KeyValueConfig{Bucket: "ciobridge", History: 1}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "it reads", func() bool { return s.ackFloor() == 3 && s.stored().Committable == 4 })
	r.stop()
}

// A bucket that forgets is refused.
func TestJetStreamBucketThatForgets(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	if _, err := s.client.JetStream().CreateKeyValue(t.Context(),
		jetstream.KeyValueConfig{Bucket: CheckpointBucket, TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, s.replica(fastConfig()).start(), "forgets after 1h0m0s", "--max-age=0")
}

// startRestricted starts a server with a user admin who may do anything, and a user bridge who may not make streams,
// and returns its address.
func startRestricted(t *testing.T) string {
	t.Helper()
	subjects := []string{
		"$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.CONSUMER.>", "$JS.API.STREAM.NAMES", "$JS.ACK.EVENTS.>",
		"$KV.ciobridge.>", "$JS.API.DIRECT.GET.KV_ciobridge.>",
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		Users: []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "bridge", Password: "bridge",
				Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: subjects}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv.Addr().(*net.TCPAddr).String()
}

func dialAs(t *testing.T, address, user string) *broker.NATS {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(user), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := broker.NewNATS(t.Context(), broker.NATSConfig{
		URLs: []string{"nats://" + address}, User: user, Password: secret.Ref{File: password}, AllowPlaintext: true,
	}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// What a process has finished after its last commit counts only while nobody else has begun to read: the other may
// have sent a person's earlier calls again, so that the later ones have to follow.
func TestJetStreamMemoryEndsWithAnotherReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		other bool
		want  consumer.AckedRanges
	}{
		"alone":           {false, consumer.AckedRanges{{From: 4, To: 5}, {From: 6, To: 7}}},
		"another between": {true, consumer.AckedRanges{{From: 4, To: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			s.publish(1, 10)
			info := s.stream().CachedInfo()
			part := partition{stream: "EVENTS", durable: "ciobridge"}
			of := func(reader string, done consumer.AckedRanges) checkpoint {
				c := checkpoint{Stream: part.stream, Durable: part.durable, Created: info.Created, Reader: reader}
				c.setAcked(3, done)
				return c
			}
			r := newReader(s.client, fastConfig(), part, canarytest.Logger(t))
			r.streamCreated = info.Created
			if err := r.loadCheckpoint(t.Context(), info); err != nil {
				t.Fatal(err)
			}
			if err := r.checkpoints.save(t.Context(), of("a", nil)); err != nil {
				t.Fatal(err)
			}
			r.progress = progress{committable: 3, lastPin: "a", lastTracker: consumer.NewTracker(3, 100)}
			for seq := int64(3); seq <= 6; seq++ {
				ticket, err := r.progress.lastTracker.Track(t.Context(), seq, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				if seq%2 == 0 {
					r.progress.lastTracker.Ack(ticket)
				}
			}
			if c.other {
				other := newCheckpointStore(s.client, &part)
				if err := other.ensure(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				if _, err := other.load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := other.save(t.Context(), of("b", consumer.AckedRanges{{From: 4, To: 5}})); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.loadCheckpoint(t.Context(), info); err != nil {
				t.Fatal(err)
			}
			if r.progress.committable != 3 || !slices.Equal(r.progress.acked, c.want) {
				t.Errorf("done from %d on are %v, want %v", r.progress.committable, r.progress.acked, c.want)
			}
		})
	}
}

// The state of the stream is asked for before the checkpoint is read. Where another replica has read on in between,
// the stream has not gone back.
func TestStreamEndIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 1)
	before := s.stream().CachedInfo()
	s.publish(2, 3)
	r := newReader(s.client, fastConfig(), partition{stream: "EVENTS", durable: "ciobridge"}, canarytest.Logger(t))
	r.progress.merge(4, nil)
	if err := r.checkStreamEnd(t.Context(), before); err != nil {
		t.Errorf("a stream that has grown is refused: %v", err)
	}
	r.progress.merge(5, nil)
	if err := r.checkStreamEnd(t.Context(), before); !isFatal(err) {
		t.Errorf("a stream that lacks what was read is not refused: %v", err)
	}
}
