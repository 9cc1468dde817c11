package broker

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/secret"
)

const (
	mostTokenAnswer = 64 << 10        // what an endpoint may answer
	unknownTokenFor = time.Minute     // for how long a token is used that does not say when it ends
	tokenPause      = time.Second     // between attempts at an endpoint that gives none
	tokenTimeout    = 5 * time.Second // of one attempt
)

// tokenEndpoint asks an endpoint for tokens, and gives each until a fifth of its time is left.
type tokenEndpoint struct {
	config TokenEndpointConfig
	client *http.Client

	turn    chan struct{} // holds one element, taken by who reads or changes the rest
	last    Token
	renewAt time.Time
	failure error // of the last attempt, where it failed
	retryAt time.Time
}

func newTokenEndpoint(c TokenEndpointConfig) (*tokenEndpoint, error) {
	if _, err := c.ClientSecret.Read(); err != nil {
		return nil, fmt.Errorf("sasl.token_endpoint.client_secret: %w", err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		var err error
		if conf, err = c.TLS.Client(); err != nil {
			return nil, fmt.Errorf("sasl.token_endpoint.tls: %w", err)
		}
	}
	e := &tokenEndpoint{config: c, turn: make(chan struct{}, 1), client: &http.Client{
		Timeout: tokenTimeout,
		// One request in minutes: a connection that is kept would only be closed by the other side.
		Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, ForceAttemptHTTP2: true},
		// A redirect would take the client's secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	e.turn <- struct{}{}
	return e, nil
}

// Token implements Tokens. While the endpoint fails, the last token is given for as long as it is good.
func (e *tokenEndpoint) Token(ctx context.Context) (Token, error) {
	select {
	case <-e.turn:
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	defer func() { e.turn <- struct{}{} }()
	now := time.Now()
	if now.Before(e.renewAt) {
		return e.last, nil
	}
	if !now.Before(e.retryAt) {
		e.ask(ctx)
	}
	if time.Now().Before(e.last.Until) {
		return e.last, nil
	}
	if ctx.Err() != nil {
		return Token{}, ctx.Err()
	}
	return Token{}, &TokenError{From: "sasl.token_endpoint", Cause: e.failure,
		Refused: errors.As(e.failure, new(*oauthError))}
}

func (e *tokenEndpoint) ask(ctx context.Context) {
	began := time.Now()
	token, lifetime, err := e.request(ctx)
	if ctx.Err() != nil && err != nil {
		return // it was not the endpoint
	}
	e.failure = err
	if err != nil {
		e.retryAt = time.Now().Add(tokenPause)
		return
	}
	e.last = Token{Value: token, Until: began.Add(lifetime)}
	e.renewAt = began.Add(lifetime * 4 / 5)
}

// request asks for one token and how long it is good.
func (e *tokenEndpoint) request(ctx context.Context) (secret.Value, time.Duration, error) {
	var none secret.Value
	password, err := e.config.ClientSecret.Read()
	if err != nil {
		return none, 0, fmt.Errorf("client_secret: %w", err)
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if e.config.Scope != "" {
		form.Set("scope", e.config.Scope)
	}
	if e.config.Audience != "" {
		form.Set("audience", e.config.Audience)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.config.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return none, 0, errors.New("its url is not one")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749, section 2.3.1, has both of them encoded as in a form.
	req.SetBasicAuth(url.QueryEscape(e.config.ClientID), url.QueryEscape(password.Reveal()))
	res, err := e.client.Do(req)
	if err != nil {
		var whole *url.Error // whose text holds the address
		if errors.As(err, &whole) {
			err = whole.Err
		}
		return none, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostTokenAnswer+1))
	switch {
	case err != nil:
		return none, 0, errors.New("its answer breaks off")
	case len(body) > mostTokenAnswer:
		return none, 0, errors.New("its answer is longer than one with a token")
	case res.StatusCode != http.StatusOK:
		return none, 0, refusedToken(res.StatusCode, body)
	}
	return readToken(body)
}

// readToken reads the answer of an endpoint. No error quotes it.
func readToken(body []byte) (secret.Value, time.Duration, error) {
	var answer struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"` // a text, with some
	}
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return secret.Value{}, 0, errors.New("its answer holds no access_token")
	}
	if answer.TokenType != "" && !strings.EqualFold(answer.TokenType, "bearer") {
		return secret.Value{}, 0, errors.New("its token is not of the type Bearer")
	}
	token := secret.New(answer.AccessToken)
	if err := usableToken(token); err != nil {
		return secret.Value{}, 0, err
	}
	if n, err := strconv.ParseFloat(answer.ExpiresIn.String(), 64); err == nil && n > 0 && n < 1e9 {
		return token, time.Duration(n * float64(time.Second)), nil
	}
	if left := time.Until(tokenEnd(token)); left > 0 {
		return token, left, nil
	}
	return token, unknownTokenFor, nil
}

// oauthErrors are what an endpoint may say by RFC 6749, and what helps.
var oauthErrors = []struct{ code, help string }{
	{"invalid_client", "it does not know client_id, or client_secret is wrong"},
	{"unauthorized_client", "the client may not ask for tokens in this way"},
	{"invalid_scope", "it does not give scope"},
	{"invalid_grant", "it refuses the client's credentials"},
	{"unsupported_grant_type", "it gives no tokens for client credentials"},
	{"invalid_request", "it does not take the request: see scope and audience"},
	{"invalid_target", "it does not know audience"},
}

// oauthError is an endpoint that does not give us a token, and will not.
type oauthError struct{ text string }

func (e *oauthError) Error() string { return e.text }

// refusedToken says why an endpoint gives no token, in words of our own.
func refusedToken(status int, body []byte) error {
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer)
	known := slices.IndexFunc(oauthErrors, func(o struct{ code, help string }) bool { return o.code == answer.Error })
	switch {
	case known >= 0:
		return &oauthError{fmt.Sprintf("it answers %d %s: %s", status, oauthErrors[known].code,
			oauthErrors[known].help)}
	case status >= 300 && status < 400:
		return &oauthError{fmt.Sprintf("it answers %d: it leads elsewhere, which is not followed: see url", status)}
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return &oauthError{fmt.Sprintf("it answers %d: see url", status)}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &oauthError{fmt.Sprintf("it answers %d: see client_id and client_secret", status)}
	}
	return fmt.Errorf("it answers %d", status)
}
