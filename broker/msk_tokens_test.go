package broker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/msk"
)

// withoutAWS takes away what the machine that runs the tests may know of AWS.
func withoutAWS(t *testing.T) string {
	dir := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": "",
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"),
		"AWS_CONFIG_FILE":             filepath.Join(dir, "config"),
	} {
		t.Setenv(name, value)
	}
	return dir
}

// The token is what AWS says that it is: a URL, encoded, whose signature is made of the secret key by Signature
// Version 4. The signature is calculated here once more.
func TestTokenIsSigned(t *testing.T) {
	withoutAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_SESSION_TOKEN", "session/+=")
	tokens, err := msk.Tokens(broker.AWSConfig{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.Until); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("it ends in %v", left)
	}
	text, err := base64.RawURLEncoding.DecodeString(token.Value.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "kafka.eu-west-1.amazonaws.com" || q.Get("Action") != "kafka-cluster:Connect" ||
		q.Get("X-Amz-Security-Token") != "session/+=" {
		t.Errorf("it says %s", u.Redacted())
	}
	signature := q.Get("X-Amz-Signature")
	q.Del("X-Amz-Signature")
	q.Del("User-Agent") // is added after signing
	canonical := "GET\n/\n" + strings.ReplaceAll(q.Encode(), "+", "%20") + "\nhost:" + u.Host + "\n\nhost\n" +
		hex.EncodeToString(sum(""))
	date := q.Get("X-Amz-Date")
	scope := date[:8] + "/eu-west-1/kafka-cluster/aws4_request"
	key := []byte("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum(canonical))))
	if signature != want {
		t.Errorf("signature %s, want %s", signature, want)
	}
}

func sum(text string) []byte {
	s := sha256.Sum256([]byte(text))
	return s[:]
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// keyOf is the key that a token names.
func keyOf(t *testing.T, tokens broker.Tokens) string {
	t.Helper()
	token, err := tokens.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := base64.RawURLEncoding.DecodeString(token.Value.Reveal())
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := strings.Cut(u.Query().Get("X-Amz-Credential"), "/")
	return key
}

// Credentials come from a profile of the shared file, which is read again.
func TestASharedFileIsReadAgain(t *testing.T) {
	dir := withoutAWS(t)
	profile := func(key string) {
		text := "[bus]\naws_access_key_id=" + key + "\naws_secret_access_key=s\n"
		if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		profile("AKIDONE")
		shared, err := msk.Tokens(broker.AWSConfig{Region: "eu-west-1", Profile: "bus"})
		if err != nil {
			t.Fatal(err)
		}
		if key := keyOf(t, shared); key != "AKIDONE" {
			t.Errorf("key %s", key)
		}
		profile("AKIDTWO")
		time.Sleep(time.Hour)
		if key := keyOf(t, shared); key != "AKIDTWO" {
			t.Errorf("after the file was replaced: key %s", key)
		}
	})
}

// They come from a container too.
func TestCredentialsOfAContainer(t *testing.T) {
	withoutAWS(t)
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"AccessKeyId":"AKIDBOX","SecretAccessKey":"s","Token":"t","Expiration":%q}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer container.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	contained, err := msk.Tokens(broker.AWSConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if key := keyOf(t, contained); key != "AKIDBOX" {
		t.Errorf("key %s", key)
	}
}

func TestNoCredentials(t *testing.T) {
	withoutAWS(t)
	if _, err := msk.Tokens(broker.AWSConfig{}); err == nil || !strings.Contains(err.Error(), "region: is missing") {
		t.Errorf("without a region: %v", err)
	}
	if _, err := msk.Tokens(broker.AWSConfig{Region: "eu-west-1", Profile: "none"}); err == nil {
		t.Error("a profile that does not exist is taken")
	}
	tokens, err := msk.Tokens(broker.AWSConfig{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	var none *broker.TokenError
	if _, err := tokens.Token(t.Context()); !errors.As(err, &none) || none.From != "sasl.aws" {
		t.Errorf("without credentials: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokens.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}
