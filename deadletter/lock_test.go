package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	nats "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
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
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	joining := &kafkagroup.Coordinator{Dial: b.Dial, Find: func(context.Context) (string, error) {
		return addrs[0], nil
	}}
	return kafkagroup.NewMember(kafkagroup.Config{
		Group: "ciobridge-replay." + lettertest.Topic, Protocol: "first", Topics: []string{lettertest.Topic},
		SessionTimeout: lock.Session, RebalanceTimeout: 3 * lock.Session, SyncTimeout: 4 * lock.Session,
	}, joining, joining), joining
}

func nothing(context.Context, []kafkagroup.Subscriber) (map[string][]byte, error) { return nil, nil }

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
		logtest.AKilledHolderIsWaitedFor(t, storetest.Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic}))
	})
	t.Run("jetstream", func(t *testing.T) {
		t.Parallel()
		js, _ := lettertest.StartNATS(t)
		bucket, err := js.CreateKeyValue(t.Context(), nats.KeyValueConfig{
			Bucket: "ciobridge_replay", TTL: lock.Session, Storage: nats.MemoryStorage,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Create(t.Context(), "ZGVhZC5sZXR0ZXJz", []byte("of one that was killed")); err != nil {
			t.Fatal(err)
		}
		logtest.AKilledHolderIsWaitedFor(t, jetstream.New(js, deadletter.Config{Subject: "dead.letters"}, ""))
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
			logtest.Stays(t, held, lock.Session*5/2)
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
		logtest.ALivingHolderIsNotWaitedFor(t, storetest.Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic}))
	})
	t.Run("jetstream", func(t *testing.T) {
		t.Parallel()
		js, _ := lettertest.StartNATS(t)
		logtest.ALivingHolderIsNotWaitedFor(t, jetstream.New(js, deadletter.Config{Subject: "dead.letters"}, ""))
	})
}
