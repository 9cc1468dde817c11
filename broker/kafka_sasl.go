package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// credentials is a SASL mechanism that reads the password when a connection is made.
type credentials struct{ config SASLConfig }

// identity is a mechanism as one connection uses it, again and again.
type identity interface {
	sasl.Mechanism
	// news is nil where there is something to show that the connection has not shown yet.
	news(context.Context) error
}

// identify gives a new connection its mechanism; nil where the cluster does not ask.
func (k *Kafka) identify() identity {
	switch {
	case k.config.SASL == nil:
		return nil
	case k.tokens != nil:
		return &bearer{tokens: k.tokens, extensions: k.config.SASL.Extensions}
	}
	return credentials{*k.config.SASL}
}

// news implements identity. A password is shown again, because the session ends and not the password.
func (c credentials) news(context.Context) error {
	_, err := c.config.Password.Read()
	return err
}

// Name is the mechanism's name as brokers know it.
func (c credentials) Name() string { return strings.ToUpper(c.config.Mechanism) }

// Start begins the authentication of one connection.
func (c credentials) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	password, err := c.config.Password.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("sasl.password: %w", err)
	}
	var mechanism sasl.Mechanism
	switch c.config.Mechanism {
	case "scram-sha-256":
		mechanism, err = scram.Mechanism(scram.SHA256, c.config.Username, password.Reveal())
	case "scram-sha-512":
		mechanism, err = scram.Mechanism(scram.SHA512, c.config.Username, password.Reveal())
	default:
		mechanism = plain.Mechanism{Username: c.config.Username, Password: password.Reveal()}
	}
	if err != nil {
		// The library's text may hold what it could not prepare.
		return nil, nil, errors.New("sasl: the user name or the password holds characters that SCRAM does not allow")
	}
	session, first, err := mechanism.Start(ctx)
	return limited{session}, first, err
}

// mostIterations is how often a broker may have the password hashed. Kafka's own limit is 16,384; a hundred thousand
// take a fraction of a second.
const mostIterations = 100_000

// iterationsError is a broker that asks for more.
type iterationsError struct{}

func (*iterationsError) Error() string {
	return fmt.Sprintf("the broker asks for the password to be hashed more than %d times", mostIterations)
}

// limited is an authentication that does not let the broker keep us busy.
type limited struct{ sasl.StateMachine }

// Next answers a challenge of the broker.
func (l limited) Next(ctx context.Context, challenge []byte) (bool, []byte, error) {
	if err := ctx.Err(); err != nil {
		return false, nil, err
	}
	for field := range bytes.SplitSeq(challenge, []byte(",")) {
		count, ok := bytes.CutPrefix(field, []byte("i="))
		if n, err := strconv.Atoi(string(count)); ok && (err != nil || n > mostIterations) {
			return false, nil, &iterationsError{}
		}
	}
	return l.StateMachine.Next(ctx, challenge)
}

// authenticate proves to the broker who we are, and returns for how long it believes that; zero is for ever. A refusal
// is kafka.SASLAuthenticationFailed.
func authenticate(
	ctx context.Context, conn *protocol.Conn, mechanism sasl.Mechanism,
) (lifetime time.Duration, err error) {
	res, err := conn.RoundTrip(&saslhandshake.Request{Mechanism: mechanism.Name()})
	if err != nil {
		return 0, fmt.Errorf("sasl handshake: %w", err)
	}
	if code := res.(*saslhandshake.Response).ErrorCode; code != 0 {
		return 0, fmt.Errorf("sasl handshake with %s: %w", mechanism.Name(), kafka.Error(code))
	}
	session, answer, err := mechanism.Start(ctx)
	if err != nil {
		return 0, err
	}
	for done := false; !done; {
		res, err := conn.RoundTrip(&saslauthenticate.Request{AuthBytes: answer})
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, kafka.SASLAuthenticationFailed // some brokers refuse by hanging up
		}
		if err != nil {
			return 0, fmt.Errorf("sasl authenticate: %w", err)
		}
		reply := res.(*saslauthenticate.Response)
		if reply.ErrorCode != 0 {
			return 0, kafka.Error(reply.ErrorCode) // without the broker's text, which may quote the user's name
		}
		lifetime = time.Duration(max(0, reply.SessionLifetimeMs)) * time.Millisecond
		done, answer, err = session.Next(ctx, reply.AuthBytes)
		var excess *iterationsError
		switch {
		case errors.As(err, &excess):
			return 0, fmt.Errorf("%w: %w", kafka.SASLAuthenticationFailed, excess)
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return 0, kafka.SASLAuthenticationFailed
		}
	}
	return lifetime, nil
}
