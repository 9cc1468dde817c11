package consumertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// Reading is a source that is being read.
type Reading struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error

	mu  sync.Mutex
	got []string
}

// AckAll acks every message at once.
func AckAll(_ event.Lease, _ string, done func()) error {
	done()
	return nil
}

// AckAfter acks everything once release is closed, and holds the source up until then.
func AckAfter(release <-chan struct{}) func(event.Lease, string, func()) error {
	return func(_ event.Lease, _ string, done func()) error {
		<-release
		done()
		return nil
	}
}

// Read starts reading a source. Values are noted before on is called.
func Read(t *testing.T, s Source, on func(lease event.Lease, value string, done func()) error) *Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Reading{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		err := s.Consume(ctx, func(lease event.Lease, m *event.Message, done func()) error {
			value := string(m.Value)
			err := on(lease, value, done)
			r.mu.Lock()
			r.got = append(r.got, value)
			r.mu.Unlock()
			return err
		})
		canarytest.Error(t, "reading", err)
		r.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-r.ended:
			r.ended <- err
		case <-time.After(time.Minute):
			t.Error("consume does not end")
		}
	})
	return r
}

// Want waits until exactly these values have been handed over, in this order.
func (r *Reading) Want(values ...string) {
	r.t.Helper()
	Eventually(r.t, fmt.Sprintf("%v are read", values), func() bool { return len(r.Values()) >= len(values) })
	if got := r.Values(); !slices.Equal(got, values) {
		r.t.Fatalf("read %v, want %v", got, values)
	}
}

// Values are what has been handed over so far.
func (r *Reading) Values() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Cancel begins to end the reading as a shutdown does.
func (r *Reading) Cancel() { r.cancel() }

// Stop ends the reading as a shutdown does.
func (r *Reading) Stop() {
	r.t.Helper()
	r.cancel()
	if err := r.Wait(); err != nil {
		r.t.Fatalf("consume ended with %v", err)
	}
}

// Wait waits until Consume returns, and gives its error.
func (r *Reading) Wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(time.Minute):
		r.t.Fatal("consume does not end")
		return nil
	}
}

// Eventually waits until ok.
func Eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}
