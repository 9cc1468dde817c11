package reporting

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	timeout      = 4 * time.Second // as documented
	longestPause = time.Hour
	kept         = 100_000 // webhooks in the queue; later ones are dropped, and counted
)

// A Webhook is what is told of one message or person.
type Webhook struct {
	EventID    string         `json:"event_id"`
	ObjectType string         `json:"object_type"` // customer, email, sms, push, in_app, …
	Metric     string         `json:"metric"`
	Timestamp  int64          `json:"timestamp"` // unix seconds
	Data       map[string]any `json:"data"`
}

// Stats count webhooks.
type Stats struct {
	Waiting  int `json:"waiting"`
	Taken    int `json:"taken"`
	Attempts int `json:"attempts"`
	Dropped  int `json:"dropped"` // because too many waited
}

// Sender sends webhooks to one URL.
type Sender struct {
	url, key string
	first    time.Duration
	client   *http.Client

	mu    sync.Mutex
	queue []Webhook
	stats Stats
	more  chan struct{} // full when something was put into the queue
}

// New makes a Sender. The key is the one that webhooks are signed with. The first repeat of a webhook comes after that
// pause, and each further one after twice the pause, at most an hour.
func New(url, key string, first time.Duration) *Sender {
	return &Sender{
		url: url, key: key, first: first, client: &http.Client{Timeout: timeout}, more: make(chan struct{}, 1),
	}
}

// Report has a webhook sent. Without an event id it gets one.
func (s *Sender) Report(w Webhook) {
	if w.EventID == "" {
		w.EventID = ulid.Make().String()
	}
	s.mu.Lock()
	if len(s.queue) < kept {
		s.queue = append(s.queue, w)
	} else {
		s.stats.Dropped++
	}
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Stats tells what has become of the webhooks so far.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Waiting = len(s.queue)
	return stats
}

// Run sends webhooks until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	defer s.client.CloseIdleConnections()
	for {
		s.mu.Lock()
		waiting := len(s.queue) > 0
		var next Webhook
		if waiting {
			next = s.queue[0]
		}
		s.mu.Unlock()
		if waiting {
			if !s.deliver(ctx, next) {
				return
			}
			continue
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return
		}
	}
}

// deliver sends one webhook until it is taken, and reports whether it was.
func (s *Sender) deliver(ctx context.Context, w Webhook) bool {
	for pause := s.first; ; pause = min(2*pause, longestPause) {
		taken := s.post(ctx, w)
		s.mu.Lock()
		s.stats.Attempts++
		if taken {
			s.stats.Taken++
			s.queue = s.queue[1:]
		}
		s.mu.Unlock()
		if taken {
			return true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// post makes one attempt, which is signed anew.
func (s *Sender) post(ctx context.Context, w Webhook) (taken bool) {
	body, err := json.Marshal(w)
	if err != nil {
		return true // nobody could send it
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(s.key))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CIO-Timestamp", stamp)
	r.Header.Set("X-CIO-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := s.client.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	return res.StatusCode >= 200 && res.StatusCode < 300
}
