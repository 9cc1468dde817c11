package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A request is what a cluster got.
type cluster struct {
	mu       sync.Mutex
	requests []string
	hangs    time.Duration
	most     int // records of a request
}

func (c *cluster) send(ctx context.Context, list ...kafka.Message) error {
	var values []string
	for _, m := range list {
		values = append(values, string(m.Value[:min(len(m.Value), 2)]))
	}
	c.mu.Lock()
	c.requests = append(c.requests, strings.Join(values, " "))
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.hangs):
	}
	if c.most > 0 && len(list) > c.most {
		errs := make(kafka.WriteErrors, len(list))
		for i := range errs {
			errs[i] = kafka.MessageSizeTooLarge
		}
		return errs
	}
	return nil
}

// What comes while a request is under way goes out together, and what nobody waits for any more does not go out.
func TestNothingIsSentThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{hangs: time.Hour}
		g := newGroup(c.send)
		var all sync.WaitGroup
		store := func(value string, patience time.Duration) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := g.store(ctx, kafka.Message{Value: []byte(value)}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", value, err)
				}
			})
			synctest.Wait()
		}
		store("a", time.Hour)
		store("b", attemptTime/2) // gives up while a is under way
		store("c", time.Hour)
		store("d", time.Hour)
		all.Wait()
		if got := fmt.Sprintf("%q", c.requests); got != `["a" "c d"]` {
			t.Errorf("sent %s", got)
		}
		g.close()
		if err := g.store(t.Context(), kafka.Message{}); !errors.Is(err, errClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A topic that takes only small requests gets each record alone; what is large goes alone from the start.
func TestRequestsAreAsSmallAsTheTopicWants(t *testing.T) {
	for name, c := range map[string]struct {
		most, size int
		want       string
	}{
		"small": {1, 2, `["11" "11 11 11" "11" "11" "11"]`},
		"large": {0, groupBytes/2 + 1, `["11" "11" "11" "11"]`},
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := &cluster{hangs: time.Millisecond, most: c.most}
			g := newGroup(cluster.send)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					m := kafka.Message{Value: slices.Repeat([]byte("1"), c.size)}
					if err := g.store(t.Context(), m); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			all.Wait()
			g.close()
			if got := fmt.Sprintf("%q", cluster.requests); got != c.want {
				t.Errorf("%s: sent %s", name, got)
			}
		})
	}
}
