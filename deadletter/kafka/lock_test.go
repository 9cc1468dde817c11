package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

func lockableKafka(t *testing.T) *Store {
	cluster := lettertest.StartKafka(t, kfake.GroupMinSessionTimeout(100*time.Millisecond))
	s := newKafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
	s.session = logtest.Session
	return s
}

// member is one of the group of the lock, as another process is.
func member(s *Store) (*kafkagroup.Member, *kafkagroup.Coordinator) {
	joining := &kafkagroup.Coordinator{Dial: s.broker.Dial, Find: func(context.Context) (string, error) {
		return s.broker.Brokers()[0], nil
	}}
	return kafkagroup.NewMember(kafkagroup.Config{
		Group: "ciobridge-replay." + s.topic, Protocol: "first", Topics: []string{s.topic},
		SessionTimeout: s.session, RebalanceTimeout: 3 * s.session, SyncTimeout: 4 * s.session,
	}, joining, joining), joining
}

func nothing(context.Context, []kafkagroup.Subscriber) (map[string][]byte, error) { return nil, nil }

func TestTheLockOfAKilledReplayIsWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := lockableKafka(t)
	m, joining := member(s)
	if _, err := m.Join(t.Context(), nothing); err != nil {
		t.Fatal(err)
	}
	joining.Close() // as a process does that is killed
	logtest.AKilledHolderIsWaitedFor(t, s)
}

// Another that comes while the lock is held, and dies before it goes, ends nothing.
func TestAnotherReplayThatDiesWhileItWaitsEndsNothing(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for name, patience := range map[string]time.Duration{
		"before it is answered": logtest.Session / 10, "as a member": time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lockableKafka(t)
			lock, err := s.Lock(t.Context(), logtest.Patient(t))
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
			m, joining := member(s)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			g, err := m.Join(ctx, nothing)
			joining.Close()
			if g.Leads {
				t.Fatal("the second got the lock")
			}
			t.Log("the second ends with:", err)
			if m.Current().Member == "" {
				t.Fatal("the second was never known to the group")
			}
			logtest.Stays(t, lock, logtest.Session*5/2)
			if _, err := s.Lock(t.Context(), logtest.Patient(t)); !errors.Is(err, deadletter.ErrReplayRunning) {
				t.Errorf("the lock is not held any more: %v", err)
			}
		})
	}
}

func TestALivingHolderIsNotWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	logtest.ALivingHolderIsNotWaitedFor(t, lockableKafka(t))
}
