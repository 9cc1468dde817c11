package broker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// Dial connects once more to the server that n is connected to, in the same way and as the same user. The server has accepted the
// connection when it returns; the protocol from there on is the caller's, answers to the server's pings included. A connection
// that breaks stays broken.
func (n *NATS) Dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, natsDialTimeout)
	defer cancel()
	raw, err := n.reach(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	unbind := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn, err := n.greet(ctx, raw)
	if err == nil && !unbind() {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("connect to nats: %w", errors.Join(err, ctx.Err()))
	}
	return conn, nil
}

func (n *NATS) reach(ctx context.Context) (net.Conn, error) {
	if inProcess := n.conn.Opts.InProcessServer; inProcess != nil {
		return inProcess.InProcessConn()
	}
	u, err := url.Parse(n.conn.ConnectedUrl())
	if err != nil {
		return nil, err
	}
	if u.Host == "" {
		return nil, nats.ErrDisconnected
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
}

// greet does what both sides say before the first subscription: the server presents itself, the client encrypts where the first
// connection does, says who it is, and pings, because a server that does not want it answers that with an error.
func (n *NATS) greet(ctx context.Context, raw net.Conn) (net.Conn, error) {
	conn := &natsConn{Conn: raw, in: bufio.NewReader(raw)}
	line, err := conn.line()
	if err != nil {
		return nil, fmt.Errorf("wait for the server's greeting: %w", err)
	}
	var info struct {
		Nonce string `json:"nonce"`
	}
	greeting, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok {
		return nil, errors.New("the server's greeting is not of NATS")
	}
	if err := json.Unmarshal(greeting, &info); err != nil {
		return nil, fmt.Errorf("read the server's greeting: %w", err)
	}
	state, err := n.conn.TLSConnectionState()
	switch {
	case err == nil:
		secured, err := n.encrypt(ctx, raw, state.ServerName)
		if err != nil {
			return nil, err
		}
		conn = &natsConn{Conn: secured, in: bufio.NewReader(secured)}
	case !errors.Is(err, nats.ErrConnectionNotTLS):
		return nil, err
	}
	hello, err := n.hello(info.Nonce, err == nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(hello); err != nil {
		return nil, fmt.Errorf("authenticate: %w", err)
	}
	return conn, conn.accepted()
}

// encrypt shows and checks the same certificates as the first connection. Name is the one that was checked there; it is empty where
// that was an address.
func (n *NATS) encrypt(ctx context.Context, raw net.Conn, name string) (net.Conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.conn.Opts.TLSConfig != nil {
		config = n.conn.Opts.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = name
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(raw.RemoteAddr().String())
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return secured, nil
}

// hello is the client's side of the greeting. Credentials are read anew, so that what was rotated is used.
func (n *NATS) hello(nonce string, encrypted bool) ([]byte, error) {
	o := &n.conn.Opts
	h := struct {
		Verbose      bool   `json:"verbose"`
		Pedantic     bool   `json:"pedantic"`
		JWT          string `json:"jwt,omitempty"`
		NKey         string `json:"nkey,omitempty"`
		Signature    string `json:"sig,omitempty"`
		User         string `json:"user,omitempty"`
		Password     string `json:"pass,omitempty"`
		Token        string `json:"auth_token,omitempty"`
		TLS          bool   `json:"tls_required"`
		Name         string `json:"name"`
		Language     string `json:"lang"`
		Version      string `json:"version"`
		Protocol     int    `json:"protocol"`
		Headers      bool   `json:"headers"`
		NoResponders bool   `json:"no_responders"`
	}{
		NKey: o.Nkey, TLS: encrypted, Name: o.Name, Language: nats.LangString, Version: nats.Version,
		Protocol: 1, Headers: true, NoResponders: true,
	}
	var err error
	if o.UserJWT != nil {
		if h.JWT, err = o.UserJWT(); err != nil {
			return nil, fmt.Errorf("read the credentials: %w", err)
		}
	}
	if o.SignatureCB != nil {
		signature, err := o.SignatureCB([]byte(nonce))
		if err != nil {
			return nil, fmt.Errorf("sign with the credentials: %w", err)
		}
		h.Signature = base64.RawURLEncoding.EncodeToString(signature)
	}
	if o.UserInfo != nil {
		h.User, h.Password = o.UserInfo()
	}
	if o.TokenHandler != nil {
		h.Token = o.TokenHandler()
	}
	b, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("authenticate: %w", err)
	}
	return fmt.Appendf(nil, "CONNECT %s\r\nPING\r\n", b), nil
}

// natsConn is a connection of which the first bytes are read by lines.
type natsConn struct {
	net.Conn
	in *bufio.Reader
}

// Read gives what was read ahead first. A large p is filled without a copy in between.
func (c *natsConn) Read(p []byte) (int, error) { return c.in.Read(p) }

const maxGreeting = 1 << 20

func (c *natsConn) line() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return bytes.TrimRight(line, "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(line) > maxGreeting {
			return nil, errors.New("the server sends a line without an end")
		}
	}
}

// accepted waits for the answer to the ping.
func (c *natsConn) accepted() error {
	for {
		line, err := c.line()
		if err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
		if text, ok := bytes.CutPrefix(line, []byte("-ERR ")); ok {
			return fmt.Errorf("authenticate: the server answers %s", text)
		}
		if string(line) == "PONG" {
			return nil
		}
	}
}
