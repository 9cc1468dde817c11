package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/ciobridge/ciobridge/webhook"
)

// late is a bus that stores its first event almost as late as it may, and cannot be read for a while before that.
type late struct {
	shelf
	began time.Time
	first sync.Once
}

func (b *late) Publish(ctx context.Context, e *cloudevent.Event, object, metric string) (err error) {
	err = errDown
	b.first.Do(func() {
		<-ctx.Done()
		time.AfterFunc(webhook.Settle-100*time.Millisecond, func() { _ = b.shelf.Publish(ctx, e, object, metric) })
	})
	if time.Since(b.began) > 3500*time.Millisecond {
		return b.shelf.Publish(ctx, e, object, metric)
	}
	return err
}

func (b *late) Read(ctx context.Context, count int, each func(id string)) error {
	if age := time.Since(b.began); age > 500*time.Millisecond && age < 3*time.Second {
		return errDown
	}
	return b.shelf.Read(ctx, count, each)
}

// What failed may be stored later. Until that is known nothing is taken, also where the bus could not be read
// meanwhile.
func TestLateEventsMakeNoRepeats(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(signingKey), 0o600); err != nil {
		t.Fatal(err)
	}
	c := webhook.DefaultConfig()
	c.Listen, c.Topic, c.SigningKeys = "127.0.0.1:0", "webhooks", []webhook.SigningKey{{File: file}}
	synctest.Test(t, func(t *testing.T) {
		bus := &late{began: time.Now()}
		server, err := webhook.New(c, canarytest.Logger(t), canarytest.Registry(t))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { server.Follow(ctx, bus) })
		synctest.Wait()
		body, statuses := bounce("1"), []int{}
		for len(statuses) == 0 || statuses[len(statuses)-1] != http.StatusOK {
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.Path, strings.NewReader(body))
			r.Header.Set("X-CIO-Timestamp", stamp)
			r.Header.Set("X-CIO-Signature", webhook.Sign(secret.New(signingKey), stamp, []byte(body)))
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			statuses = append(statuses, w.Code)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(webhook.Settle)
		cancel()
		all.Wait()
		if !slices.Contains(statuses, http.StatusServiceUnavailable) {
			t.Error("the fault did not happen")
		}
		if got := bus.ids(); len(got) != 1 {
			t.Errorf("stored %v", got)
		}
	})
}

// stuck is a bus that answers nothing.
type stuck struct {
	shelf
	begun   chan struct{}
	running atomic.Int64
}

func (b *stuck) Publish(ctx context.Context, _ *cloudevent.Event, _, _ string) error {
	b.running.Add(1)
	defer b.running.Add(-1)
	close(b.begun)
	<-ctx.Done()
	return ctx.Err()
}

// A server that is stopped while the bus is away ends soon, and publishes nothing after that.
func TestNothingIsPublishedAfterTheEnd(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	c := webhook.DefaultConfig()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(signingKey), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Topic, c.SigningKeys = "127.0.0.1:0", "webhooks", []webhook.SigningKey{{File: file}}
	server, err := webhook.New(c, canarytest.Logger(t), canarytest.Registry(t))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	bus := &stuck{begun: make(chan struct{})}
	var all, sender sync.WaitGroup
	all.Go(func() { server.Follow(ctx, bus) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	s := &station{t: t, url: "http://" + server.Address() + c.Path, Server: server}
	s.ready()
	sender.Go(func() {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		body := strings.NewReader(bounce("1"))
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, s.url, body)
		r.RequestURI = ""
		r.Header.Set("X-CIO-Timestamp", stamp)
		r.Header.Set("X-CIO-Signature", webhook.Sign(secret.New(signingKey), stamp, []byte(bounce("1"))))
		if res, err := http.DefaultClient.Do(r); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				t.Error("is said to be stored")
			}
		}
	})
	<-bus.begun
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if n := bus.running.Load(); n != 0 {
		t.Errorf("%d events are being published after the end", n)
	}
	sender.Wait()
	all.Wait()
}
