package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/secret"
)

// The headers of a signature, and what is signed before the body: "v0:", the timestamp and ":". Source: the document
// of reporting webhooks.
const (
	timestampHeader = "X-Cio-Timestamp"
	signatureHeader = "X-Cio-Signature"
	signedVersion   = "v0"
)

type key struct {
	secret    secret.Value
	workspace string
}

// Sign is the signature of a body that is sent at a time in unix seconds, in hexadecimal digits.
func Sign(k secret.Value, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(k.Reveal()))
	mac.Write([]byte(signedVersion + ":" + timestamp + ":"))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// signer is the key with which a request was signed. All keys are tried, whichever is right, so that the time tells
// nothing of them.
func signer(keys []key, h http.Header, body []byte) (found key, ok bool) {
	given, err := hex.DecodeString(h.Get(signatureHeader))
	if err != nil || len(given) != sha256.Size {
		return key{}, false
	}
	for _, k := range keys {
		want, _ := hex.DecodeString(Sign(k.secret, h.Get(timestampHeader), body))
		if hmac.Equal(given, want) {
			found, ok = k, true
		}
	}
	return found, ok
}

// stale reports whether a request was signed too long ago, or later than now. One without a time is stale.
func stale(h http.Header, now time.Time, maxAge time.Duration) bool {
	seconds, err := strconv.ParseInt(h.Get(timestampHeader), 10, 64)
	if err != nil {
		return true
	}
	age := now.Unix() - seconds
	limit := int64(maxAge / time.Second)
	return age > limit || age < -limit
}
