package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// member is one of the group of a topic's lock, as another process is.
func member(t *testing.T, addrs []string) (*kafkagroup.Member, *kafkagroup.Coordinator) {
	t.Helper()
	b := storetest.Connect(t, addrs)
	joining := &kafkagroup.Coordinator{Dial: b.Dial, Find: func(context.Context) (string, error) {
		return addrs[0], nil
	}}
	return kafkagroup.NewMember(kafkagroup.Config{
		Group: "ciobridge-replay." + lettertest.Topic, Protocol: "first", Topics: []string{lettertest.Topic},
		SessionTimeout: lock.Session, RebalanceTimeout: 3 * lock.Session, SyncTimeout: 4 * lock.Session,
	}, joining, joining), joining
}

func nothing(context.Context, []kafkagroup.Subscriber) (map[string][]byte, error) { return nil, nil }

// locker is a store whose lock outlives a holder that is killed.
type locker interface {
	Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error)
}

// stays watches that a lock is kept.
func stays(t *testing.T, held *lock.Lock, limit time.Duration) {
	t.Helper()
	select {
	case <-held.Lost():
		t.Error("the lock is lost, though nobody else has it")
	case <-time.After(limit):
	}
}

// aKilledHolderIsWaitedFor takes the lock of a holder that was killed a moment ago: it waits for the end of the dead
// one's session, says so, and keeps its lock.
func aKilledHolderIsWaitedFor(t *testing.T, s locker) {
	begun := time.Now()
	var told []time.Time
	held, err := s.Lock(t.Context(), func(until time.Time) { told = append(told, until) })
	if err != nil {
		t.Fatalf("after %s: %v", time.Since(begun), err)
	}
	defer held.Release()
	if took := time.Since(begun); took < lock.Session/4 {
		t.Fatalf("nobody held the lock: it took %s", took)
	}
	if len(told) == 0 || told[0].Before(begun) || told[0].After(begun.Add(2*lock.Session)) {
		t.Errorf("it was told to wait until %v, from %v on", told, begun)
	}
	if left := time.Until(held.Until()); left < lock.Session/2 {
		t.Errorf("the new lock is certain for %s", left)
	}
	stays(t, held, lock.Session*3/2)
}

// aLivingHolderIsNotWaitedFor tries for a lock whose holder lives: that is known by its renewals, and not waited for
// longer.
func aLivingHolderIsNotWaitedFor(t *testing.T, s locker) {
	held, err := s.Lock(t.Context(), logtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	begun := time.Now()
	if _, err := s.Lock(t.Context(), logtest.Patient(t)); !errors.Is(err, deadletter.ErrReplayRunning) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > lock.Session {
		t.Errorf("it took %s to see that the holder lives", took)
	}
	stays(t, held, lock.Session)
}

func TestTheLockOfAKilledReplayIsWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		addrs := lettertest.StartKafka(t).ListenAddrs()
		m, joining := member(t, addrs)
		if _, err := m.Join(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
		joining.Close() // as a process does that is killed
		aKilledHolderIsWaitedFor(t, storetest.Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic}))
	})
	t.Run("jetstream", func(t *testing.T) {
		t.Parallel()
		js, _ := lettertest.StartNATS(t)
		s := jetstream.New(js, deadletter.Config{Subject: "dead.letters"}, "")
		before, err := s.Lock(t.Context(), logtest.Patient(t)) // makes the bucket
		if err != nil {
			t.Fatal(err)
		}
		before.Release()
		bucket, err := js.KeyValue(t.Context(), "ciobridge_replay")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Create(t.Context(), "ZGVhZC5sZXR0ZXJz", []byte("of one that was killed")); err != nil {
			t.Fatal(err)
		}
		aKilledHolderIsWaitedFor(t, s)
	})
}

// Another that comes while the lock is held, and dies before it goes, ends nothing.
func TestAnotherReplayThatDiesWhileItWaitsEndsNothing(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for name, patience := range map[string]time.Duration{
		"before it is answered": lock.Session / 10, "as a member": time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addrs := lettertest.StartKafka(t).ListenAddrs()
			s := storetest.Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic})
			held, err := s.Lock(t.Context(), logtest.Patient(t))
			if err != nil {
				t.Fatal(err)
			}
			defer held.Release()
			m, joining := member(t, addrs)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			begun := time.Now()
			g, err := m.Join(ctx, nothing)
			joining.Close()
			if g.Leads {
				t.Fatal("the second got the lock")
			}
			t.Logf("the second ends after %s with: %v", time.Since(begun), err)
			if m.Current().Member == "" {
				t.Fatal("the second was never known to the group")
			}
			stays(t, held, lock.Session*5/2)
			if _, err := s.Lock(t.Context(), logtest.Patient(t)); !errors.Is(err, deadletter.ErrReplayRunning) {
				t.Errorf("the lock is not held any more: %v", err)
			}
		})
	}
}

func TestALivingHolderIsNotWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		addrs := lettertest.StartKafka(t).ListenAddrs()
		aLivingHolderIsNotWaitedFor(t, storetest.Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic}))
	})
	t.Run("jetstream", func(t *testing.T) {
		t.Parallel()
		js, _ := lettertest.StartNATS(t)
		aLivingHolderIsNotWaitedFor(t, jetstream.New(js, deadletter.Config{Subject: "dead.letters"}, ""))
	})
}
