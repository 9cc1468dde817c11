package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/ciobridge/ciobridge/secret"
)

// Digest stands for an identifier of a person: its HMAC-SHA256 under the configured key. Without the key nobody can
// tell whose it is, nor try out whom it could be.
type Digest [sha256.Size]byte

// String is the digest in hexadecimal digits, under which a fence is stored.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

var errDigest = errors.New("not 64 hexadecimal digits")

func parseDigest(text string) (d Digest, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(d) {
		return d, errDigest
	}
	return Digest(raw), nil
}

// Digester makes digests of identifiers under a key.
type Digester struct{ key secret.Value }

// NewDigester makes a Digester.
func NewDigester(key secret.Value) Digester { return Digester{key} }

// Of gives the digest of an identifier, such as email:ann@example.com, in a workspace. The first one has no name.
func (d Digester) Of(workspace, identifier string) (digest Digest) {
	mac := hmac.New(sha256.New, []byte(d.key.Reveal()))
	mac.Write([]byte(workspace))
	mac.Write([]byte{0})
	mac.Write([]byte(identifier))
	mac.Sum(digest[:0])
	return digest
}
