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

// Dial opens one more connection to the server that n is connected to, with the same TLS settings and as the same
// user. When it returns, the server has accepted the user. From there on the caller speaks the protocol, and answers
// the server's pings. A connection that breaks stays broken.
//
// The handshake is written here because the client library does not give its connections away. It keeps the socket,
// and the TLS session over it, in unexported fields, and starts its own goroutine that reads from it. A dialer of our
// own (nats.SetCustomDialer) would see only what is below TLS. What the handshake says is taken from the library's
// options, so that both connections show the same certificates and credentials.
func (n *NATS) Dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, natsDialTimeout)
	defer cancel()
	raw, err := n.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	unbind := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn, err := n.handshake(ctx, raw)
	if err == nil && !unbind() {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("connect to nats: %w", errors.Join(err, ctx.Err()))
	}
	return conn, nil
}

func (n *NATS) connect(ctx context.Context) (net.Conn, error) {
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

// handshake does what comes before the first subscription. The server sends INFO. The client starts TLS if the first
// connection uses it, and sends CONNECT with its credentials, followed by PING. The server answers with PONG, or with
// an error if it refuses the client.
func (n *NATS) handshake(ctx context.Context, raw net.Conn) (net.Conn, error) {
	conn := &natsConn{Conn: raw, in: bufio.NewReader(raw)}
	line, err := conn.readLine()
	if err != nil {
		return nil, fmt.Errorf("wait for the server's greeting: %w", err)
	}
	var info struct {
		Nonce       string `json:"nonce"`
		TLSRequired bool   `json:"tls_required"`
	}
	greeting, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok {
		return nil, errors.New("the server's greeting is not of NATS")
	}
	if err := json.Unmarshal(greeting, &info); err != nil {
		return nil, fmt.Errorf("read the server's greeting: %w", err)
	}
	encrypted := n.conn.Opts.Secure || info.TLSRequired
	if encrypted {
		secured, err := n.startTLS(ctx, raw)
		if err != nil {
			return nil, err
		}
		conn = &natsConn{Conn: secured, in: bufio.NewReader(secured)}
	}
	connect, err := n.connectLine(info.Nonce, encrypted)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(connect); err != nil {
		return nil, fmt.Errorf("authenticate: %w", err)
	}
	return conn, conn.awaitPong()
}

// noteServerName is an option that remembers the server name that a handshake of the connection has checked. The
// library tells it too (Conn.TLSConnectionState), but reads there what another goroutine may be writing (nats.go
// v1.55.0).
func (n *NATS) noteServerName(o *nats.Options) error {
	if o.TLSConfig == nil {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.TLSConfig.VerifyConnection = func(state tls.ConnectionState) error {
		n.serverName.Store(&state.ServerName)
		return nil
	}
	return nil
}

// startTLS shows and checks the same certificates as the first connection, and the server name that was checked there.
// That name is empty if the server was given by its IP address.
func (n *NATS) startTLS(ctx context.Context, raw net.Conn) (net.Conn, error) {
	config := n.conn.Opts.TLSConfig.Clone()
	config.VerifyConnection = nil
	if roots := n.conn.Opts.RootCAsCB; roots != nil {
		var err error
		if config.RootCAs, err = roots(); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
	}
	if name := n.serverName.Load(); config.ServerName == "" && name != nil {
		config.ServerName = *name
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

// natsConnect is what the client says of itself in CONNECT.
type natsConnect struct {
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
}

// connectLine is the client's CONNECT, and the PING after it. Credentials are read anew, so that rotated ones are used.
func (n *NATS) connectLine(nonce string, encrypted bool) ([]byte, error) {
	o := &n.conn.Opts
	h := natsConnect{
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

// natsConn is a connection whose handshake is read line by line. What was read ahead is given to the first Reads.
type natsConn struct {
	net.Conn
	in *bufio.Reader
}

// Read reads into a large p without a copy in between, once what was read ahead is used up.
func (c *natsConn) Read(p []byte) (int, error) { return c.in.Read(p) }

const maxLine = 1 << 20

func (c *natsConn) readLine() ([]byte, error) {
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
		if len(line) > maxLine {
			return nil, errors.New("the server sends a line without an end")
		}
	}
}

// awaitPong waits for the answer to the PING, which says that the server accepted the client.
func (c *natsConn) awaitPong() error {
	for {
		line, err := c.readLine()
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
