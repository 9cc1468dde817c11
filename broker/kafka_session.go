package broker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"go.uber.org/zap"
)

// session is a connection on which the broker knows who we are, for a time. Before that time is over, and before the
// next request, it proves it again (KIP-368). Whoever uses the connection notices nothing. Where there is nothing new
// to show, such as while an endpoint of tokens is down, the connection is used for as long as the broker allows.
type session struct {
	*checked
	identity identity
	versions map[protocol.ApiKey]int16
	log      *zap.Logger

	renewAt, endAt time.Time // zero where the broker sets no end

	mu        sync.Mutex
	deadline  time.Time
	interrupt context.CancelFunc // of a renewal that is under way
}

// authenticate proves who we are for the first time.
func (s *session) authenticate(ctx context.Context) error {
	lifetime, err := authenticate(ctx, s.protocol(), s.identity)
	if err != nil {
		return err
	}
	s.renewAt, s.endAt = time.Time{}, time.Time{}
	if lifetime > 0 {
		now := time.Now()
		s.renewAt, s.endAt = now.Add(lifetime*4/5), now.Add(lifetime)
	}
	return nil
}

func (s *session) protocol() *protocol.Conn {
	conn := protocol.NewConn(s.checked, clientID)
	conn.SetVersions(s.versions)
	return conn
}

// Write begins a request, or goes on with one.
func (s *session) Write(b []byte) (int, error) {
	if !s.renewAt.IsZero() && s.idle && !time.Now().Before(s.renewAt) {
		if err := s.renew(); err != nil {
			return 0, err
		}
	}
	return s.checked.Write(b)
}

// renew proves again who we are. An error ends the connection.
func (s *session) renew() (err error) {
	defer recoverDecode(&err)
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	s.begin(cancel)
	defer s.end()
	err = s.identity.news(ctx)
	now := time.Now()
	if err != nil && now.Before(s.endAt) {
		if !errors.Is(err, errShown) {
			s.log.Warn("kafka session not renewed: it is tried again until it ends", zap.Duration("left",
				s.endAt.Sub(now).Round(time.Second)), zap.Error(err))
		}
		s.renewAt = now.Add(max(s.endAt.Sub(now)/5, time.Second))
		return nil
	}
	if err != nil && !errors.Is(err, errShown) {
		return err
	}
	return s.authenticate(ctx)
}

// begin has a renewal end with the deadline of who uses the connection, and at once where that one gives up.
func (s *session) begin(cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = cancel
	if s.deadline.IsZero() {
		_ = s.checked.SetDeadline(time.Now().Add(requestTimeout))
	}
}

func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = nil
	if s.deadline.IsZero() {
		_ = s.checked.SetDeadline(time.Time{})
	}
}

// SetDeadline sets the end of what is read and written from now on.
func (s *session) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if s.interrupt != nil && !t.IsZero() && t.Before(time.Now()) {
		s.interrupt()
	}
	return s.checked.SetDeadline(t)
}
