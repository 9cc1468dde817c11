package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
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

// rightError names a right of Kafka that is missing, in the words of its ACLs.
type rightError struct {
	Right string // Read, Write or Describe
	Of    string // "topic" or "group", and its name
	Err   error
}

// Error tells the right after the cluster's answer.
func (e *rightError) Error() string {
	return fmt.Sprintf("%v: the right %s on the %s is missing", e.Err, e.Right, e.Of)
}

// Unwrap is the cluster's answer.
func (e *rightError) Unwrap() error { return e.Err }

// NeedsTopic adds to an error of Kafka that refuses a topic which right on it is missing. Others stay as they are.
func NeedsTopic(err error, right, topic string) error {
	if errors.Is(err, kafka.TopicAuthorizationFailed) {
		return &rightError{right, "topic " + topic, err}
	}
	return err
}

// NeedsGroup adds to an error of Kafka that refuses a group which right on it is missing. Others stay as they are.
func NeedsGroup(err error, right, group string) error {
	if errors.Is(err, kafka.GroupAuthorizationFailed) {
		return &rightError{right, "group " + group, err}
	}
	return err
}
