package kafka

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
)

func brokerError(doing string, code int16) error {
	return fmt.Errorf("%s: %w", doing, kafka.Error(code))
}

// topicError is brokerError, which names the right where one on the topic is missing.
func topicError(doing, right, topic string, code int16) error {
	return broker.NeedsTopic(brokerError(doing, code), right, topic)
}

// The reasons for which reading from a cluster can fail, as they stand in metrics.
const (
	reasonAuth       = "auth"       // the cluster refuses our credentials or what we may do, or there is no token
	reasonTLS        = "tls"        // the cluster's certificate or ours is not good
	reasonConnection = "connection" // no answer
	reasonBroker     = "broker"     // an answer that says not now
	reasonCorrupt    = "corrupt"    // records that cannot be trusted
)

func reasonOf(err error) string {
	var code kafka.Error
	var token *broker.TokenError
	switch {
	case errors.As(err, &token):
		return reasonAuth
	case broker.Untrusted(err):
		return reasonTLS
	case !errors.As(err, &code):
		return reasonConnection
	}
	switch code {
	case kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState,
		kafka.TopicAuthorizationFailed,
		kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed:
		return reasonAuth
	}
	return reasonBroker
}
