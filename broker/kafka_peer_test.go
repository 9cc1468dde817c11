package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/secret"
)

// listen serves connections until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			serve(c)
			c.Close()
			stop()
		}
	}()
	t.Cleanup(func() {
		cancel()
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// says reads a request, answers with some bytes, and waits for the other side to hang up.
func says(answer string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, answer)
		_, _ = io.Copy(io.Discard, c)
	}
}

// frame is an answer to the first request: its correlation, no error, an array that says that it has so many elements,
// and some bytes.
func frame(elements int32, bytes int) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(10+bytes))
	b = append(b, 0, 0, 0, 1, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(elements))
	return string(append(b, make([]byte, bytes)...))
}

// Whatever listens where Kafka is expected: a sentence says what it is, as soon as that can be known, over a connection
// of our own and through kafka-go's pool.
func TestWhatDoesNotSpeakKafka(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	_, cert := certificates(t)
	hangUp := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	for name, test := range map[string]struct {
		addr string
		tls  bool
		want string
	}{
		"HTTP": {addr: listen(t, says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 "+
			"Bad Request")), want: "does not speak Kafka (it answers like HTTP)"},
		"HTTP, asked for TLS": {addr: web.Listener.Addr().String(), tls: true,
			want: "does not speak Kafka (it answers like HTTP)"},
		"NATS": {addr: listen(t, says("INFO {\"server_id\":\"N\"}\r\n")),
			want: "does not speak Kafka (it answers like NATS)"},
		"NATS, asked for TLS": {addr: listen(t, says("INFO {\"server_id\":\"N\"}\r\n")), tls: true,
			want: "does not speak Kafka (it answers like NATS)"},
		"TLS alert":     {addr: listen(t, says("\x15\x03\x03\x00\x02\x02\x0a")), want: "speaks TLS: set tls"},
		"TLS handshake": {addr: listen(t, says("\x16\x03\x01\x00\xa5\x01")), want: "speaks TLS: set tls"},
		"a server of TLS": {addr: listen(t,
			func(c net.Conn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }),
			want: "TLS"},
		"hangs up":            {addr: listen(t, hangUp), want: "it may want TLS (set tls), or not speak Kafka"},
		"hangs up, asked TLS": {addr: listen(t, hangUp), tls: true, want: "leave out tls if it wants TLS off"},
		"no TLS": {addr: listen(t, says("\x00\x00\x00\x23\x00\x00")), tls: true,
			want: "leave out tls if it wants TLS off"},
		"text": {addr: listen(t, says("220 mail ESMTP\r\n")),
			want: "its first answer is none of Kafka's"},
		"endless zeros": {addr: listen(t, func(c net.Conn) { _, _ = io.Copy(c, zeros{}) }),
			want: "its first answer is none of Kafka's"},
		"a negative length": {addr: listen(t, says("\xff\xff\xff\xff")),
			want: "its first answer is none of Kafka's"},
		"an array without end": {addr: listen(t, says(frame(1<<31-1, 12))),
			want: "its first answer is none of Kafka's"},
		"an array of two of one": {addr: listen(t, says(frame(2, 6))), want: "its first answer is none of Kafka's"},
		"too short": {addr: listen(t, says("\x00\x00\x00\x04\x00\x00\x00\x01")),
			want: "its first answer is none of Kafka's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := KafkaConfig{Brokers: []string{test.addr}}
			if test.tls {
				c.TLS = &TLSConfig{}
			}
			k, err := NewKafka(c)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			_, own := k.Dial(t.Context(), test.addr)
			_, pooled := k.Client().Metadata(t.Context(), &kafka.MetadataRequest{})
			for _, err := range []error{own, pooled} {
				var peer *PeerError
				if !errors.As(err, &peer) || peer.Addr != test.addr || !strings.Contains(peer.Reason, test.want) {
					t.Errorf("%v, want %q", err, test.want)
				}
			}
			if own == nil || !strings.HasPrefix(own.Error(), test.addr+" ") {
				t.Errorf("%v does not begin with the address", own)
			}
		})
	}
}

// zeros is an endless source of them.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// What never comes to an end ends with the context, wherever it stands.
func TestKafkaPeersThatNeverEnd(t *testing.T) {
	t.Parallel()
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	drips := func(c net.Conn) {
		long := frame(5000, 30000)
		for i := range long {
			if _, err := io.WriteString(c, long[i:i+1]); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := &SASLConfig{Mechanism: "plain", Username: "u", Password: secret.Ref{File: password}}
	for name, test := range map[string]struct {
		serve  func(net.Conn)
		config KafkaConfig
	}{
		"silent":                     {silent, KafkaConfig{}},
		"silent in the handshake":    {silent, KafkaConfig{TLS: &TLSConfig{}}},
		"silent when asked to prove": {says(frame(1, 6)), KafkaConfig{SASL: login, AllowPlaintext: true}},
		"drips":                      {drips, KafkaConfig{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := test.config
			c.Brokers = []string{listen(t, test.serve)}
			k, err := NewKafka(c)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			for way, ask := range map[string]func(context.Context) error{
				"own": func(ctx context.Context) error { _, err := k.Dial(ctx, c.Brokers[0]); return err },
				"pooled": func(ctx context.Context) error {
					_, err := k.Client().Metadata(ctx, &kafka.MetadataRequest{})
					return err
				},
			} {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				began := time.Now()
				err := ask(ctx)
				if took := time.Since(began); err == nil || took > dialTimeout/2 {
					t.Errorf("%s: %v after %v", way, err, took)
				}
			}
		})
	}
}

// A broker cannot keep us busy with hashing the password, and the context is looked at before it is hashed.
func TestScramIterations(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := credentials{SASLConfig{Mechanism: "scram-sha-512", Username: "u", Password: secret.Ref{File: password}}}
	challenge := func(first []byte, iterations string) []byte {
		_, nonce, _ := bytes.Cut(first, []byte("r="))
		return []byte("r=" + string(nonce) + "x,s=c2FsdHNhbHQ=,i=" + iterations)
	}
	for iterations, refused := range map[string]bool{"4096": false, "16384": false, "100001": true, "2147483647": true,
		"99999999999999999999": true} {
		session, first, err := c.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var excess *iterationsError
		if _, _, err = session.Next(t.Context(), challenge(first, iterations)); errors.As(err, &excess) != refused ||
			!refused && err != nil {
			t.Errorf("%s iterations: %v", iterations, err)
		}
	}
	session, first, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := session.Next(over, challenge(first, "4096")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}
