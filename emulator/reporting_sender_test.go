package emulator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/emulator/reporting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Webhooks come signed and in order; one that is refused comes again, and the others wait behind it.
func TestWebhooksWaitBehindOneThatIsRefused(t *testing.T) {
	var mu sync.Mutex
	var got []string
	refusals := 3
	taker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write([]byte("v0:" + r.Header.Get("X-CIO-Timestamp") + ":" + string(body)))
		if r.Header.Get("X-CIO-Signature") != hex.EncodeToString(mac.Sum(nil)) {
			t.Error("a wrong signature")
		}
		var hook reporting.Webhook
		if err := json.Unmarshal(body, &hook); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, hook.EventID)
		if hook.EventID == "2" && refusals > 0 {
			refusals--
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer taker.Close()
	s := reporting.New(taker.URL, "key", time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	for i := range 4 {
		s.Report(reporting.Webhook{EventID: fmt.Sprint(i + 1), ObjectType: "email", Metric: "sent"})
	}
	for end := time.Now().Add(20 * time.Second); s.Stats().Taken < 4 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	running.Wait()
	if text := strings.Join(got, " "); text != "1 2 2 2 2 3 4" {
		t.Errorf("came as %s", text)
	}
	if stats := s.Stats(); stats != (reporting.Stats{Taken: 4, Attempts: 7}) {
		t.Errorf("%+v", stats)
	}
}
