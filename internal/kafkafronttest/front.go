package kafkafronttest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const refusedCode = 58 // SASL_AUTHENTICATION_FAILED

// A Front asks for tokens. Its fields may not be changed while it is used.
type Front struct {
	// Check says whether a token is good, and for how long; zero is for ever.
	Check func(token string, extensions map[string]string) (lifetime time.Duration, ok bool)
	// Secure wraps a connection, such as in TLS, where it is set.
	Secure func(net.Conn) net.Conn

	// Connections counts those that were accepted, Shown the tokens that were good, Refused those that were not, and
	// Expired the connections that were closed because their session was over.
	Connections, Shown, Refused, Expired atomic.Int64

	mu   sync.Mutex
	open map[net.Conn]bool
}

// CloseAll closes every connection, so that clients connect again.
func (f *Front) CloseAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
	clear(f.open)
}

func (f *Front) note(c net.Conn, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[net.Conn]bool{}
	}
	if open {
		f.open[c] = true
	} else {
		delete(f.open, c)
	}
}

// Listen makes a listener for kfake.ListenFn.
func (f *Front) Listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return &listener{l, f}, err
}

type listener struct {
	net.Listener
	front *Front
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.front.Connections.Add(1)
	raw := c
	l.front.note(raw, true)
	if l.front.Secure != nil {
		c = l.front.Secure(c)
	}
	return &conn{Conn: c, raw: raw, front: l.front}, nil
}

// conn is one connection. Requests of SASL are answered, and others are read by kfake.
type conn struct {
	net.Conn
	raw     net.Conn // below TLS
	front   *Front
	known   bool
	until   time.Time // of the session; zero for ever
	request []byte    // of which kfake has not read this yet
}

// Close closes the connection.
func (c *conn) Close() error {
	c.front.note(c.raw, false)
	return c.Conn.Close()
}

// Read hands over a request that may be made.
func (c *conn) Read(b []byte) (int, error) {
	for len(c.request) == 0 {
		if err := c.next(); err != nil {
			c.Close()
			return 0, err
		}
	}
	n := copy(b, c.request)
	c.request = c.request[n:]
	return n, nil
}

func (c *conn) next() error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.Conn, head); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head)
	if size < 10 || size > 100<<20 {
		return io.ErrUnexpectedEOF
	}
	frame := append(head, make([]byte, size)...)
	if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return err
	}
	key, version := int16(binary.BigEndian.Uint16(frame[4:])), int16(binary.BigEndian.Uint16(frame[6:]))
	switch {
	case key == 17 || key == 36:
		return c.answer(kmsg.RequestForKey(key), version, frame[8:])
	case key == 18:
	case !c.known:
		return io.EOF
	case !c.until.IsZero() && time.Now().After(c.until):
		c.front.Expired.Add(1)
		return io.EOF
	}
	c.request = frame
	return nil
}

// answer takes a request of SASL from behind its version.
func (c *conn) answer(req kmsg.Request, version int16, rest []byte) error {
	correlation, rest := rest[:4], rest[4:]
	if n := int16(binary.BigEndian.Uint16(rest)); n > 0 {
		rest = rest[n:]
	}
	rest = rest[2:]
	req.SetVersion(version)
	if req.IsFlexible() {
		rest = rest[1:] // without tags
	}
	if err := req.ReadFrom(rest); err != nil {
		return err
	}
	res := req.ResponseKind()
	switch req := req.(type) {
	case *kmsg.SASLHandshakeRequest:
		c.handshake(req.Mechanism, res.(*kmsg.SASLHandshakeResponse))
	case *kmsg.SASLAuthenticateRequest:
		c.authenticate(req.SASLAuthBytes, res.(*kmsg.SASLAuthenticateResponse))
	}
	out := append(make([]byte, 4), correlation...)
	if res.IsFlexible() {
		out = append(out, 0)
	}
	out = res.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	_, err := c.Conn.Write(out)
	return err
}

func (c *conn) handshake(mechanism string, res *kmsg.SASLHandshakeResponse) {
	res.SupportedMechanisms = []string{"OAUTHBEARER"}
	if mechanism != "OAUTHBEARER" {
		res.ErrorCode = 33 // UNSUPPORTED_SASL_MECHANISM
	}
}

// authenticate takes a token. A bad one is told twice, as RFC 7628 has it.
func (c *conn) authenticate(first []byte, res *kmsg.SASLAuthenticateResponse) {
	if bytes.Equal(first, []byte{1}) {
		res.ErrorCode = refusedCode
		return
	}
	token, extensions := "", map[string]string{}
	for _, part := range strings.Split(string(first), "\x01") {
		if key, value, ok := strings.Cut(part, "="); ok && key == "auth" {
			token, _ = strings.CutPrefix(value, "Bearer ")
		} else if ok {
			extensions[key] = value
		}
	}
	lifetime, ok := c.front.Check(token, extensions)
	if !ok {
		c.front.Refused.Add(1)
		c.known = false
		res.SASLAuthBytes = []byte(`{"status":"invalid_token"}`)
		return
	}
	c.front.Shown.Add(1)
	c.known, c.until = true, time.Time{}
	if lifetime > 0 {
		c.until = time.Now().Add(lifetime)
		res.SessionLifetimeMillis = lifetime.Milliseconds()
	}
}
