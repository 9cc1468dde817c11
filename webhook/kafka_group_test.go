package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/webhook/kafka"
)

// busy is a bus whose topic has one partition. The cluster does not answer the first request that stores something
// until it may, which holds up what comes after it.
type busy struct {
	*kafka.Bus
	t    *testing.T
	held chan struct{} // closed when the first request has come
	more func()        // has the first request go on
	all  sync.WaitGroup

	mu       sync.Mutex
	requests []int32 // records of each
}

// newBusy makes a bus. Where the first request is lost it is never carried out.
func newBusy(t *testing.T, lost bool, topic ...kfake.Opt) *busy {
	t.Helper()
	cluster, conn := startKafka(t, append(topic, kfake.SeedTopics(1, "hooks"))...)
	more := make(chan struct{})
	b := &busy{Bus: kafka.New(conn, "hooks"), t: t, held: make(chan struct{}),
		more: sync.OnceFunc(func() { close(more) })}
	t.Cleanup(b.Close)
	t.Cleanup(b.more)
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		var batch kmsg.RecordBatch
		err := batch.ReadFrom(req.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records)
		if err != nil {
			t.Error(err)
		}
		b.mu.Lock()
		b.requests = append(b.requests, batch.NumRecords)
		first := len(b.requests) == 1
		b.mu.Unlock()
		if !first {
			return nil, nil, false
		}
		close(b.held)
		cluster.SleepControl(func() { <-more })
		if lost {
			return nil, errors.New("the request is lost"), true
		}
		return nil, nil, false
	})
	return b
}

// publish publishes an event of that size beside the test, which wants one of some errors, and returns when it waits to
// be sent, or is sent.
func (b *busy) publish(id string, size int, want ...error) {
	b.t.Helper()
	ctx := &waited{b.t.Context(), make(chan struct{}, 10)}
	b.all.Go(func() {
		e := &cloudevent.Event{ID: id, Data: strings.Repeat("x", size)}
		err := b.Publish(ctx, e, "", "")
		if !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) {
			b.t.Errorf("%s: %v, want one of %v", id, err, want)
		}
	})
	for range 2 { // as it is put among those that wait, and as it is waited for
		<-ctx.asked
	}
}

// A waited context tells that somebody is about to wait for its end.
type waited struct {
	context.Context
	asked chan struct{}
}

func (w *waited) Done() <-chan struct{} {
	w.asked <- struct{}{}
	return w.Context.Done()
}

// expect looks at how many records each request had, and at what is stored in the end.
func (b *busy) expect(requests []int32, stored string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.requests, requests) {
		b.t.Errorf("the requests had %v records, want %v", b.requests, requests)
	}
	var ids []string
	if err := b.Read(b.t.Context(), 1000, func(id string) { ids = append(ids, id) }); err != nil {
		b.t.Error(err)
	}
	if got := strings.Join(ids, " "); got != stored {
		b.t.Errorf("%q are stored, want %q", got, stored)
	}
}

// What comes while a request is under way goes out together, and what nobody waits for any more does not go out. A
// cluster that does not answer is not waited for as long as the caller would.
func TestNothingIsSentThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	b := newBusy(t, true)
	b.publish("a", 1, context.DeadlineExceeded, os.ErrDeadlineExceeded) // whichever limit is met first
	<-b.held
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Publish(ctx, &cloudevent.Event{ID: "b"}, "", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who gives up while a is under way: %v", err)
	}
	b.publish("c", 1, nil)
	b.publish("d", 1, nil)
	b.all.Wait()
	b.expect([]int32{1, 2}, "c d")
	b.Close()
	err := b.Publish(t.Context(), &cloudevent.Event{ID: "e"}, "", "")
	if err == nil || !strings.Contains(err.Error(), "the bus is closed") {
		t.Errorf("after the end: %v", err)
	}
}

// A topic that takes only small requests gets each record alone; what is large goes alone from the start.
func TestRequestsAreAsSmallAsTheTopicWants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		most, size int
		want       []int32
	}{
		"small": {1000, 300, []int32{1, 3, 1, 1, 1}},
		"large": {1 << 20, 450 << 10, []int32{1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBusy(t, false, kfake.BrokerConfigs(map[string]string{"message.max.bytes": fmt.Sprint(c.most)}))
			b.publish("1", c.size, nil)
			<-b.held
			for _, id := range []string{"2", "3", "4"} {
				b.publish(id, c.size, nil)
			}
			b.more()
			b.all.Wait()
			b.expect(c.want, "1 2 3 4")
		})
	}
}
