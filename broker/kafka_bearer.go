package broker

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// bearer is the mechanism OAUTHBEARER (RFC 7628) on one connection. The tokens of Amazon MSK travel the same way.
type bearer struct {
	tokens     Tokens
	extensions map[string]string
	shown      Token // what the connection has shown last
}

// errShown says that the broker has seen the only token that there is.
var errShown = errors.New("the token has not been renewed")

// news implements identity.
func (b *bearer) news(ctx context.Context) error {
	token, err := b.tokens.Token(ctx)
	if err == nil && token.Value.Equal(b.shown.Value) {
		err = errShown
	}
	return err
}

// Name is the mechanism's name as brokers know it.
func (b *bearer) Name() string { return "OAUTHBEARER" }

// Start begins the authentication of one connection.
func (b *bearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := b.tokens.Token(ctx)
	if err != nil {
		return nil, nil, err
	}
	b.shown = token
	var first strings.Builder
	first.WriteString("n,,\x01auth=Bearer " + token.Value.Reveal() + "\x01")
	for _, name := range slices.Sorted(maps.Keys(b.extensions)) {
		first.WriteString(name + "=" + b.extensions[name] + "\x01")
	}
	first.WriteString("\x01")
	return &bearerSession{}, []byte(first.String()), nil
}

// bearerSession is the rest of one authentication.
type bearerSession struct{ refused bool }

// Next takes the broker's answer. One that is not empty says why the token is refused; the broker says so once more,
// as an error, when it has been answered.
func (b *bearerSession) Next(ctx context.Context, challenge []byte) (bool, []byte, error) {
	if err := ctx.Err(); err != nil || len(challenge) == 0 {
		return err == nil, nil, err
	}
	var told struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(challenge, &told) == nil && told.Status != "" {
		if b.refused {
			return false, nil, kafka.SASLAuthenticationFailed
		}
		b.refused = true
		return false, []byte{1}, nil
	}
	return true, nil, nil // some brokers answer with what they made of the token
}
