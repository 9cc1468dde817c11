package broker

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/internal/kafkafronttest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func bearerConfig(addr, file string) KafkaConfig {
	return KafkaConfig{Brokers: []string{addr}, AllowPlaintext: true,
		SASL: &SASLConfig{Mechanism: "oauthbearer", Token: secret.Ref{File: file}}}
}

func TestKafkaTokens(t *testing.T) {
	t.Parallel()
	var shown atomic.Value
	front := &kafkafronttest.Front{Check: func(token string, extensions map[string]string) (time.Duration, bool) {
		shown.Store(extensions["logicalCluster"])
		return 0, token == "right"
	}}
	addr := startKafka(t, kfake.ListenFn(front.Listen))
	file := filepath.Join(t.TempDir(), "token")
	c := bearerConfig(addr, file)
	c.SASL.Extensions = map[string]string{"logicalCluster": "lkc-1"}
	for token, want := range map[string]error{"right": nil, "wrong": kafka.SASLAuthenticationFailed} {
		write(t, file, token+"\n")
		if err := ask(t, c); !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the %s token: %v", token, err)
		}
	}
	if shown.Load() != "lkc-1" || front.Refused.Load() == 0 {
		t.Errorf("extensions %q, refused %d", shown.Load(), front.Refused.Load())
	}
	write(t, file, "not a\ntoken")
	if _, err := NewKafka(c); !errors.As(err, new(*TokenError)) || strings.Contains(err.Error(), "not a\n") {
		t.Errorf("what is no token: %v", err)
	}
	c.SASL = &SASLConfig{Mechanism: "scram-sha-256", Username: "u", Password: secret.Ref{File: file}}
	if err := ask(t, c); !errors.Is(err, kafka.UnsupportedSASLMechanism) {
		t.Errorf("a password where a token is wanted: %v", err)
	}
}

// Connections outlive many sessions, those of our own and those of the pool, because each session is renewed on its
// connection before it ends; the token is read again from its file.
func TestKafkaSessionsAreRenewed(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	const lifetime = 2 * time.Second // a fifth of it is time for a machine that stands still
	front := &kafkafronttest.Front{Check: func(token string, _ map[string]string) (time.Duration, bool) {
		return lifetime, strings.HasPrefix(token, "token-")
	}}
	addr := startKafka(t, kfake.ListenFn(front.Listen))
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "token-0")
	k, err := NewKafka(bearerConfig(addr, file))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	conn, err := k.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := k.Client()
	began := time.Now()
	var connections int64
	for i := 0; time.Since(began) < lifetime*longtest.Either[time.Duration](5, 10)/4; i++ {
		write(t, file+".new", fmt.Sprint("token-", i))
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RoundTrip(t.Context(), &metadata.Request{TopicNames: []string{"events"}}); err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		_, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{"events": {kafka.LastOffsetOf(0)}}})
		if err != nil {
			t.Fatalf("after %v, through the pool: %v", time.Since(began), err)
		}
		if i == 0 {
			connections = front.Connections.Load()
		}
		time.Sleep(lifetime / 50)
	}
	if n := front.Connections.Load(); n > connections+1 { // the pool connects when it likes
		t.Errorf("%d connections in place of %d", n, connections)
	}
	if front.Expired.Load() > 0 || front.Shown.Load() < connections+longtest.Either[int64](1, 4) {
		t.Errorf("%d connections expired, %d tokens shown", front.Expired.Load(), front.Shown.Load())
	}
}

// A token that nobody renews is used until its session ends. Then connections end and are refused, and a new token in
// the file is enough to go on.
func TestKafkaTokenEnds(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	until := time.Now().Add(2 * time.Second)
	front := &kafkafronttest.Front{Check: func(token string, _ map[string]string) (time.Duration, bool) {
		return time.Until(until), token == "new" || time.Now().Before(until)
	}}
	addr := startKafka(t, kfake.ListenFn(front.Listen))
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "old")
	k, err := NewKafka(bearerConfig(addr, file))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	conn, err := k.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func(conn *KafkaConn) error {
		_, err := conn.RoundTrip(t.Context(), &metadata.Request{TopicNames: []string{"events"}})
		return err
	}
	for err = ask(conn); err == nil; err = ask(conn) {
		time.Sleep(10 * time.Millisecond)
	}
	if before := time.Until(until); before > 200*time.Millisecond {
		t.Errorf("the session ended %v too soon: %v", before, err)
	}
	if _, err := k.Dial(t.Context(), addr); !errors.Is(err, kafka.SASLAuthenticationFailed) {
		t.Errorf("a token that has ended: %v", err)
	}
	write(t, file, "new")
	again, err := k.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := ask(again); err != nil {
		t.Error(err)
	}
}

// Passwords are shown again before a session ends, too.
func TestKafkaPasswordSessionsAreRenewed(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	addr := startKafka(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "bridge", "right"),
		kfake.BrokerConfigs(map[string]string{"connections.max.reauth.ms": "2000"}))
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "right")
	k, err := NewKafka(KafkaConfig{Brokers: []string{addr}, AllowPlaintext: true, SASL: &SASLConfig{
		Mechanism: "scram-sha-256", Username: "bridge", Password: secret.Ref{File: file}}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	conn, err := k.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func() error {
		_, err := conn.RoundTrip(t.Context(), &metadata.Request{TopicNames: []string{"events"}})
		return err
	}
	time.Sleep(1700 * time.Millisecond)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	write(t, file, "wrong")
	time.Sleep(1700 * time.Millisecond)
	if err := ask(); !errors.Is(err, kafka.SASLAuthenticationFailed) {
		t.Errorf("a password that has become wrong gives %v", err)
	}
}

// endpoint is an endpoint of tokens that tests tell what to answer.
type endpoint struct {
	*httptest.Server
	answer atomic.Value // func(http.ResponseWriter)
	asked  atomic.Int64
	form   atomic.Value
}

func startEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		user, password, _ := r.BasicAuth()
		_ = r.ParseForm()
		e.form.Store(user + "/" + password + "/" + r.Form.Encode())
		e.answer.Load().(func(http.ResponseWriter))(w)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) says(status int, body string) {
	e.answer.Store(func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	e := startEndpoint(t)
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "s3:cret/")
	tokens, err := newTokenEndpoint(TokenEndpointConfig{URL: e.URL, ClientID: "a b",
		ClientSecret: secret.Ref{File: file}, Scope: "kafka", Audience: "bus"})
	if err != nil {
		t.Fatal(err)
	}
	e.says(200, `{"access_token":"one","token_type":"bearer","expires_in":"3600"}`)
	for range 3 {
		token, err := tokens.Token(t.Context())
		if err != nil || token.Value.Reveal() != "one" || time.Until(token.Until) < 50*time.Minute {
			t.Fatalf("%v until %v, %v", token.Value.Reveal(), token.Until, err)
		}
	}
	if n, form := e.asked.Load(), e.form.Load(); n != 1 ||
		form != "a+b/s3%3Acret%2F/audience=bus&grant_type=client_credentials&scope=kafka" {
		t.Errorf("asked %d times, with %v", n, form)
	}

	tokens.renewAt = time.Now() // the token is near its end, and the endpoint is down
	e.says(503, "")
	if token, err := tokens.Token(t.Context()); err != nil || token.Value.Reveal() != "one" {
		t.Errorf("while the endpoint is down: %v", err)
	}
	tokens.last.Until = time.Now()
	if _, err := tokens.Token(t.Context()); !errors.As(err, new(*TokenError)) {
		t.Errorf("after the end of the last token: %v", err)
	}
	if n := e.asked.Load(); n != 2 {
		t.Errorf("a failing endpoint was asked %d times within a second", n-1)
	}
	tokens.retryAt = time.Now()
	e.says(200, `{"access_token":"two","expires_in":300}`)
	if token, err := tokens.Token(t.Context()); err != nil || token.Value.Reveal() != "two" {
		t.Errorf("when it is back: %v", err)
	}
}

// What an endpoint can answer that is no token is told in words of our own.
func TestTokenEndpointRefuses(t *testing.T) {
	t.Parallel()
	e := startEndpoint(t)
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "s3cret")
	for _, tc := range []struct {
		status     int
		body, want string
	}{
		{400, `{"error":"invalid_scope","error_description":"kafka-for-jo@example.com"}`, "400 invalid_scope"},
		{401, `{"error":"invalid_client"}`, "client_secret is wrong"},
		{401, `<html>jo@example.com`, "401: see client_id"},
		{400, `{"error":"jo@example.com"}`, "it answers 400"},
		{302, ``, "leads elsewhere"},
		{404, ``, "404: see url"},
		{500, `{}`, "it answers 500"},
		{200, `<html>jo@example.com`, "no access_token"},
		{200, `{"access_token":"jo@example.com x"}`, "it is no token"},
		{200, `{"access_token":"x","token_type":"mac"}`, "not of the type Bearer"},
		{200, strings.Repeat(" ", 70<<10), "longer than"},
	} {
		tokens, err := newTokenEndpoint(TokenEndpointConfig{URL: e.URL, ClientID: "c",
			ClientSecret: secret.Ref{File: file}})
		if err != nil {
			t.Fatal(err)
		}
		e.says(tc.status, tc.body)
		_, err = tokens.Token(t.Context())
		if !errors.As(err, new(*TokenError)) || !strings.Contains(err.Error(), tc.want) ||
			strings.Contains(err.Error(), "example.com") {
			t.Errorf("%d %.30q: %v", tc.status, tc.body, err)
		}
	}
}

func TestTokenEnd(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for token, want := range map[string]int64{
		jwt(`{"exp":1900000000}`): 1900000000, jwt(`{"exp":1900000000.5}`): 1900000000, jwt(`{}`): 0, jwt(`{`): 0,
		jwt(`{"exp":1e300}`): 0, jwt(`{"exp":"soon"}`): 0, "opaque": 0, "a.!.c": 0,
	} {
		if end := tokenEnd(secret.New(token)); want == 0 && !end.IsZero() || want > 0 && end.Unix() != want {
			t.Errorf("%s ends %v", token, end)
		}
	}
}
