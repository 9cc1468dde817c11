package deadletter

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestAnEmptyLogIsEmpty(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		if got := listed(t, s, Filter{All: true}); got != nil {
			t.Errorf("got %v", got)
		}
		sum, err := Stats(t.Context(), s)
		if err != nil || sum.Open != 0 || sum.Written != 0 || !sum.Oldest.IsZero() {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

// patient takes a lock that may have to be waited for.
func patient(t *testing.T) func(time.Time) {
	return func(until time.Time) { t.Logf("waits for %s", time.Until(until)) }
}

func TestOneReplayAtATime(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, s Store) {
		first, err := s.Lock(t.Context(), patient(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(t.Context(), patient(t)); !errors.Is(err, ErrReplayRunning) {
			t.Fatalf("a second lock gives %v", err)
		}
		select {
		case <-first.Lost():
			t.Fatal("the first lost its lock to the second")
		default:
		}
		first.Release()
		first.Release()
		again, err := s.Lock(t.Context(), patient(t))
		if err != nil {
			t.Fatalf("the lock is not free again: %v", err)
		}
		again.Release()
	})
}

// testSession is the session of a lock in tests that wait for the end of one.
const testSession = 3 * time.Second

// lockable are stores whose lock outlives a holder that is killed. Killed takes the lock as one that dies at once does.
var lockable = map[string]func(t *testing.T) (s Store, killed func()){
	"kafka": func(t *testing.T) (Store, func()) {
		s := lockableKafka(t)
		return s, func() {
			m := &groupMember{kafka: s, group: "ciobridge-replay." + s.topic}
			if _, err := m.take(t.Context(), patient(t)); err != nil {
				t.Fatal(err)
			}
			m.joining.Close()
		}
	},
	"jetstream": func(t *testing.T) (Store, func()) {
		js, _ := startNATS(t)
		s := NewJetStream(js, Config{Subject: "dead.letters"}, "")
		s.session = testSession
		return s, func() {
			k := &lockKey{key: "ZGVhZC5sZXR0ZXJz", token: []byte("of one that was killed")}
			if held, err := k.create(t.Context(), s); err != nil || held != 0 {
				t.Fatal(held, err)
			}
		}
	},
}

func lockableKafka(t *testing.T) *Kafka {
	cluster := startKafka(t, kfake.GroupMinSessionTimeout(100*time.Millisecond))
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic})
	s.session = testSession
	return s
}

// A replay that was killed is started again at once: it waits for the end of the dead one's session, says so, and keeps its lock.
func TestTheLockOfAKilledReplayIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, open := range lockable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, killed := open(t)
			killed()
			begun := time.Now()
			var told []time.Time
			lock, err := s.Lock(t.Context(), func(until time.Time) { told = append(told, until) })
			if err != nil {
				t.Fatalf("after %s: %v", time.Since(begun), err)
			}
			defer lock.Release()
			if took := time.Since(begun); took < testSession/4 {
				t.Fatalf("nobody held the lock: it took %s", took)
			}
			if len(told) == 0 || told[0].Before(begun) || told[0].After(begun.Add(2*testSession)) {
				t.Errorf("it was told to wait until %v, from %v on", told, begun)
			}
			if left := time.Until(lock.Until()); left < testSession/2 {
				t.Errorf("the new lock is certain for %s", left)
			}
			stays(t, lock, testSession*3/2)
		})
	}
}

// stays watches that a lock is kept.
func stays(t *testing.T, lock *Lock, limit time.Duration) {
	t.Helper()
	select {
	case <-lock.Lost():
		t.Error("the lock is lost, though nobody else has it")
	case <-time.After(limit):
	}
}

// Another that comes while the lock is held, and dies before it goes, ends nothing.
func TestAnotherReplayThatDiesWhileItWaitsEndsNothing(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]func(ctx context.Context, m *groupMember) error{
		"before it is answered": func(ctx context.Context, m *groupMember) error {
			ctx, cancel := context.WithTimeout(ctx, testSession/10)
			defer cancel()
			_, err := m.joinGroup(ctx)
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
			lock, err := s.Lock(t.Context(), patient(t))
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
			m := &groupMember{kafka: s, group: "ciobridge-replay." + s.topic}
			if err := dies(t.Context(), m); err == nil {
				t.Fatal("the second got the lock")
			} else {
				t.Log("the second ends with:", err)
			}
			if id, _ := m.current(); id == "" {
				t.Fatal("the second was never known to the group")
			}
			stays(t, lock, testSession*5/2)
			if _, err := s.Lock(t.Context(), patient(t)); !errors.Is(err, ErrReplayRunning) {
				t.Errorf("the lock is not held any more: %v", err)
			}
		})
	}
}

// A holder of the key that lives is known by its renewals, and not waited for longer than that.
func TestALivingHolderIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, open := range lockable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			lock, err := s.Lock(t.Context(), patient(t))
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
			begun := time.Now()
			if _, err := s.Lock(t.Context(), patient(t)); !errors.Is(err, ErrReplayRunning) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(begun); took > testSession {
				t.Errorf("it took %s to see that the holder lives", took)
			}
			stays(t, lock, testSession)
		})
	}
}
