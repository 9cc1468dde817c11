package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

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

func TestTheLockOfAKilledReplayIsWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := lockableKafka(t)
	m := newGroupMember(s)
	if _, err := m.acquire(t.Context(), logtest.Patient(t)); err != nil {
		t.Fatal(err)
	}
	m.joining.Close() // as a process does that is killed
	logtest.AKilledHolderIsWaitedFor(t, s)
}

// Another that comes while the lock is held, and dies before it goes, ends nothing.
func TestAnotherReplayThatDiesWhileItWaitsEndsNothing(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for name, dies := range map[string]func(ctx context.Context, m *groupMember) error{
		"before it is answered": func(ctx context.Context, m *groupMember) error {
			ctx, cancel := context.WithTimeout(ctx, logtest.Session/10)
			defer cancel()
			_, err := m.join(ctx)
			return err
		},
		"as a member": func(ctx context.Context, m *groupMember) error {
			_, err := m.join(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lockableKafka(t)
			lock, err := s.Lock(t.Context(), logtest.Patient(t))
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
			m := newGroupMember(s)
			if err := dies(t.Context(), m); err == nil {
				t.Fatal("the second got the lock")
			} else {
				t.Log("the second ends with:", err)
			}
			if m.member.Current().Member == "" {
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
