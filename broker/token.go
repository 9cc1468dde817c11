package broker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/secret"
)

// A Token is what a client shows in place of a password.
type Token struct {
	Value secret.Value
	// Until is when it ends; zero where that is not known.
	Until time.Time
}

// Tokens gives tokens. It is safe for concurrent use.
type Tokens interface {
	// Token gives one that is still good. Its error is a *TokenError.
	Token(context.Context) (Token, error)
}

// TokenError says that there is no token to show. Reading goes on when there is one.
type TokenError struct {
	From  string // the setting that says where it should come from
	Cause error
	// Refused says that whoever gives tokens refuses us one.
	Refused bool
}

// Error says where the token should have come from and what is wrong there.
func (e *TokenError) Error() string { return "no token from " + e.From + ": " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *TokenError) Unwrap() error { return e.Cause }

// tokenFile gives the token that stands in a file or in a variable, which something else renews.
type tokenFile struct{ ref secret.Ref }

// Token implements Tokens.
func (f tokenFile) Token(context.Context) (Token, error) {
	value, err := f.ref.Read()
	if err == nil {
		err = usableToken(value)
	}
	if err != nil {
		return Token{}, &TokenError{From: "sasl.token", Cause: err}
	}
	return Token{Value: value, Until: tokenEnd(value)}, nil
}

// usableToken reports what cannot be sent as a token, without quoting it.
func usableToken(value secret.Value) error {
	if strings.ContainsFunc(value.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it is no token: it holds spaces, line breaks or other characters that none has")
	}
	return nil
}

// tokenEnd is the end of a JSON Web Token as it tells itself, or zero for any other.
func tokenEnd(value secret.Value) time.Time {
	parts := strings.Split(value.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var told struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(claims, &told) != nil || told.Exp <= 0 || told.Exp > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(told.Exp), 0)
}

// newTokens makes what gives the tokens of a configuration. It reads what must be there at the start, and asks nobody.
func (c SASLConfig) newTokens(o kafkaOptions) (Tokens, error) {
	switch {
	case c.Mechanism == mechanismAWS && o.aws == nil:
		return nil, errors.New("sasl.mechanism: aws-msk-iam is not built in here")
	case c.Mechanism == mechanismAWS:
		settings := AWSConfig{}
		if c.AWS != nil {
			settings = *c.AWS
		}
		tokens, err := o.aws(settings)
		if err != nil {
			return nil, fmt.Errorf("sasl.aws: %w", err)
		}
		return tokens, nil
	case c.TokenEndpoint != nil:
		return newTokenEndpoint(*c.TokenEndpoint)
	}
	file := tokenFile{c.Token}
	if _, err := file.Token(context.Background()); err != nil {
		return nil, err
	}
	return file, nil
}
