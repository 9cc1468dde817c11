package broker

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/segmentio/kafka-go"
)

// Untrusted reports whether an error says that a certificate is not good: the server's for us, or ours for it.
func Untrusted(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		alert       *net.OpError // as which package tls tells what the other side says
	)
	return errors.As(err, &certificate) || errors.As(err, &alert) && alert.Op == "remote error"
}

var refusals = []error{
	kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState,
	kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
}

// Refused reports whether an error says that a server refuses who we are or what we may do, that an endpoint refuses us
// a token, or that a certificate is not good. What waits for it to pass waits for somebody to change something.
func Refused(err error) bool {
	var token *TokenError
	return Untrusted(err) || errors.As(err, &token) && token.Refused ||
		slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) })
}
