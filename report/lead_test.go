package report_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/report/internal/lead"
)

var errWrite = errors.New("no answer")

// free gives a lock that nobody else had, after a while.
func free(after time.Duration, say func(lock.Wish)) func(context.Context, lock.Wish) (*lock.Lock, error) {
	return func(_ context.Context, w lock.Wish) (*lock.Lock, error) {
		time.Sleep(after)
		say(w)
		return lock.New(func() {}), nil
	}
}

// What another wrote may be stored late, so whoever had to wait for the lead waits until it must be there.
func TestTheLeadBeginsWhenLateWritesHaveSettled(t *testing.T) {
	silent := func(lock.Wish) {}
	for name, c := range map[string]struct {
		acquire func(context.Context, lock.Wish) (*lock.Lock, error)
		takes   time.Duration
		told    int
	}{
		"nobody had it": {free(0, silent), 0, 0},
		"another died with it": {free(0, func(w lock.Wish) {
			w.Waiting(time.Now())
		}), 5 * time.Second, 1},
		"another had it": {free(0, func(w lock.Wish) {
			w.Waiting(time.Now())
			for range 2 {
				if w.Alive() != nil {
					t.Error("it gives up")
				}
			}
		}), 5 * time.Second, 1},
		"another died with it a while ago": {free(2*time.Second, silent), 7 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, told, begun := lead.New(), 0, time.Now()
			led, release, err := l.Take(t.Context(), func() { told++ }, c.acquire)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took != c.takes || told != c.told || led.Err() != nil {
				t.Errorf("%s: it begins after %s, told %d times to stand by", name, took, told)
			}
			begun = time.Now()
			release()
			if time.Since(begun) != 0 || led.Err() == nil {
				t.Errorf("%s: it ends after %s", name, time.Since(begun))
			}
		})
	}
}

// A write that failed may be stored late, so the next one cannot begin before that.
func TestTheLeadEndsWhenItsOwnWritesHaveSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lead.New()
		_, release, err := l.Take(t.Context(), func() {}, free(0, func(lock.Wish) {}))
		if err != nil {
			t.Fatal(err)
		}
		if l.Note(nil) != nil || !errors.Is(l.Note(errWrite), errWrite) {
			t.Error("the error is another one")
		}
		time.Sleep(time.Second)
		begun := time.Now()
		release()
		release()
		if took := time.Since(begun); took != 4*time.Second {
			t.Errorf("it ends after %s", took)
		}
	})
}

// A right that is lost while late writes settle is asked for again, and whoever gives up meanwhile gets none.
func TestTheLeadIsLostBeforeItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, asked := lead.New(), 0
		acquire := func(ctx context.Context, w lock.Wish) (*lock.Lock, error) {
			if asked++; asked > 2 {
				return lock.New(func() {}), nil
			}
			w.Waiting(time.Now())
			lost := func(context.Context) error { return lock.ErrLost }
			return lock.Keep(ctx, time.Now(), l.Session, lost, func(context.Context) {}), nil
		}
		_, release, err := l.Take(t.Context(), func() {}, acquire)
		if err != nil || asked != 3 {
			t.Fatalf("asked %d times, %v", asked, err)
		}
		release()
		asked = 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := l.Take(ctx, func() {}, acquire); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that gives up: %v", err)
		}
	})
}
