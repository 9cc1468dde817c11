package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// ServeHTTP takes one webhook.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != s.config.Path {
		w.Header().Set("Connection", "close")
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Connection", "close")
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
		return
	}
	began := time.Now()
	result := s.take(r)
	s.results.WithLabelValues(result.name).Inc()
	s.took.Observe(time.Since(began).Seconds())
	if result.status != http.StatusOK {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(result.status)
	_, _ = io.WriteString(w, result.says+"\n")
}

// A result is what becomes of a request. Customer.io tries again an hour later after most statuses, and soon after 503.
type result struct {
	name   string
	status int
	says   string
}

var (
	stored      = result{"stored", http.StatusOK, "stored"}
	repeated    = result{"repeated", http.StatusOK, "stored before"}
	unsigned    = result{"unsigned", http.StatusUnauthorized, "the signature is not that of a key which is known here"}
	outdated    = result{"outdated", http.StatusUnauthorized, "the time of the signature is too far from now"}
	tooLarge    = result{"too_large", http.StatusRequestEntityTooLarge, "the body is too large"}
	broken      = result{"broken", http.StatusBadRequest, "the body has not come whole"}
	crowded     = result{"crowded", http.StatusServiceUnavailable, "too much at once"}
	unavailable = result{"unavailable", http.StatusServiceUnavailable, "the event cannot be stored at the moment"}
)

func (s *Server) take(r *http.Request) result {
	s.taking.RLock()
	defer s.taking.RUnlock()
	if s.over {
		return unavailable
	}
	if r.ContentLength > maxBody {
		return tooLarge
	}
	if stale(r.Header, time.Now(), s.config.MaxAge) {
		return outdated
	}
	source := &weighed{Reader: http.MaxBytesReader(nil, r.Body, maxBody), all: &s.reading}
	defer source.release()
	body, err := io.ReadAll(source)
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errCrowded):
		return crowded
	case errors.As(err, &large):
		return tooLarge
	case err != nil:
		return broken
	}
	by, ok := signer(s.keys, r.Header, body)
	if !ok {
		return unsigned
	}
	return s.publish(r.Context(), by.workspace, body)
}

var errCrowded = errors.New("too much is read at once")

// weighed counts what has come of a body among what has come of all. What is only announced takes no memory, and
// whoever announces much must not keep others out.
type weighed struct {
	io.Reader
	all  *atomic.Int64
	held int64
}

func (w *weighed) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.held += int64(n)
	if w.all.Add(int64(n)) > maxReading {
		return n, errCrowded
	}
	return n, err
}

func (w *weighed) release() { w.all.Add(-w.held) }

// publish has an event stored that is not on the bus yet.
func (s *Server) publish(ctx context.Context, workspace string, body []byte) result {
	if s.Ready() != nil {
		return unavailable
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTime)
	defer cancel()
	n := read(body)
	ours, err := s.seen.claim(ctx, n.id)
	switch {
	case err != nil:
		return unavailable
	case !ours:
		return repeated
	}
	if s.Ready() != nil { // who was waited for has failed, and may have stored it
		s.seen.settle(n.id, false)
		return unavailable
	}
	for _, content := range n.contents() {
		err = s.bus.Publish(ctx, n.event(workspace, content()), n.object, n.metric)
		if !errors.Is(err, ErrTooLarge) {
			break
		}
	}
	if err != nil && s.failures.Add(1) == s.known.Load()+1 {
		s.log.Warn("webhooks are not taken: an event could not be published", zap.Error(err))
	}
	s.seen.settle(n.id, err == nil)
	if err != nil {
		return unavailable
	}
	return stored
}
