package broker

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// PeerError is what listens at an address of Kafka's and does not speak Kafka, or not as the configuration has it.
type PeerError struct {
	Addr   string // host:port
	Reason string // what is wrong, and what may help
}

// Error says which address it is and what is wrong.
func (e *PeerError) Error() string { return e.Addr + " " + e.Reason }

// What an answer may take: the first one, which lists the requests that a broker knows, and any other.
const (
	mostGreeting = 64 << 10
	mostAnswer   = 1 << 30
)

// checked is a connection whose answers have a length that can be. kafka-go believes the lengths that stand in an
// answer, and what does not speak Kafka keeps it busy for minutes.
type checked struct {
	net.Conn
	addr    string
	greeted bool
	idle    bool   // no request is under way
	ready   []byte // read and not handed out
	left    int    // bytes of the answer that are not read yet
	err     error  // of the first failure; kafka-go reads on after one
}

// Read reads of one answer at a time.
func (c *checked) Read(b []byte) (int, error) {
	if c.err == nil && len(c.ready) == 0 && c.left == 0 {
		c.err = c.begin()
	}
	if c.err != nil {
		return 0, c.err
	}
	if len(c.ready) > 0 {
		n := copy(b, c.ready)
		c.ready = c.ready[n:]
		c.idle = len(c.ready)+c.left == 0
		return n, nil
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	c.idle = c.left == 0
	c.err = err
	return n, err
}

// Write begins a request, or goes on with one.
func (c *checked) Write(b []byte) (int, error) {
	c.idle = false
	return c.Conn.Write(b)
}

// begin reads the length of an answer, and all of the first one.
func (c *checked) begin() error {
	head := make([]byte, 4, 64)
	n, err := io.ReadFull(c.Conn, head)
	if err != nil && (c.greeted || n == 0) {
		return c.closed(err)
	}
	size := int64(int32(binary.BigEndian.Uint32(head)))
	if c.greeted {
		if size < 4 || size > mostAnswer {
			return fmt.Errorf("an answer of %d bytes from the broker", size)
		}
		c.ready, c.left = head, int(size)
		return nil
	}
	if err != nil || size < 10 || size > mostGreeting {
		return c.stranger(head[:n])
	}
	c.ready = append(head, make([]byte, size)...)
	if _, err := io.ReadFull(c.Conn, c.ready[4:]); err != nil {
		c.ready = nil
		return c.closed(err)
	}
	// Behind the correlation and the error stands an array of elements of 6 bytes.
	if n := int64(int32(binary.BigEndian.Uint32(c.ready[10:]))); n < -1 || 10+6*n > size {
		return c.stranger(nil)
	}
	c.greeted = true
	return nil
}

// closed adds to the error of a connection that ended before the first answer what that may mean.
func (c *checked) closed(err error) error {
	if c.greeted || !hungUp(err) {
		return err
	}
	reason := "closed the connection without an answer: it may want TLS (set tls), or not speak Kafka"
	if _, ok := c.Conn.(*tls.Conn); ok {
		reason = "closed the connection without an answer: it may want a certificate (tls.cert_file), or not " +
			"speak Kafka"
	}
	return &PeerError{Addr: c.addr, Reason: reason}
}

func (c *checked) stranger(first []byte) error {
	return &PeerError{Addr: c.addr, Reason: strange(first)}
}

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// strange says what an answer is that is none of Kafka's, from its first bytes.
func strange(first []byte) string {
	for _, known := range []struct{ begins, like string }{
		{"HTTP", "HTTP"}, {"INFO", "NATS"}, {"SSH-", "SSH"}, {"AMQP", "AMQP"},
	} {
		if bytes.HasPrefix(first, []byte(known.begins)) {
			return "does not speak Kafka (it answers like " + known.like + ")"
		}
	}
	if len(first) > 1 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3 { // an alert or a handshake
		return "speaks TLS: set tls"
	}
	return "does not speak Kafka (its first answer is none of Kafka's)"
}

// untrusted explains why a TLS handshake failed, where that was not over a certificate.
func untrusted(addr string, err error) error {
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header):
		first := header.RecordHeader[:]
		if reason := strange(first); first[0] > ' ' && first[0] < 0x7f {
			return &PeerError{Addr: addr, Reason: reason}
		}
		return &PeerError{Addr: addr, Reason: "does not speak TLS: leave out tls if it wants TLS off"}
	case hungUp(err):
		return &PeerError{Addr: addr, Reason: "closed the connection when TLS began: leave out tls if it wants TLS off"}
	}
	return fmt.Errorf("tls with %s: %w", addr, err)
}
