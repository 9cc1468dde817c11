package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/event"
)

// Cut tells what a letter was before it was cut to the store's limit. A cut letter is never replayed: the original must be taken
// from its source again.
type Cut struct {
	Bytes  int               // the length of the original value
	SHA256 [sha256.Size]byte // of the original value
}

func (c *Cut) String() string { return strconv.Itoa(c.Bytes) + " " + hex.EncodeToString(c.SHA256[:]) }

var errCut = errors.New("not the length and the SHA-256 of a value")

func parseCut(s string) (*Cut, error) {
	length, sum, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(length)
	raw, errSum := hex.DecodeString(sum)
	if err != nil || errSum != nil || n < 0 || len(raw) != sha256.Size {
		return nil, errCut
	}
	return &Cut{Bytes: n, SHA256: [sha256.Size]byte(raw)}, nil
}

// cut makes a letter's record fit into limit bytes as size counts them, and flags it. The value is cut first; where that is not
// enough the original headers go, and at last the key is cut. It fails where the letter's own headers do not fit.
func cut(r Record, limit int, size func(*Record) int) (Record, error) {
	if _, again := r.header(headerCut); !again {
		c := Cut{Bytes: len(r.Value), SHA256: sha256.Sum256(r.Value)}
		r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)], event.Header{Key: headerCut, Value: []byte(c.String())})
	}
	whole := r.Value
	r.Value = whole[:0:0]
	if size(&r) > limit {
		own := r.Headers[:0:0]
		for _, h := range r.Headers {
			if ownHeaders[h.Key] {
				own = append(own, h)
			}
		}
		r.Headers = own
	}
	if over := size(&r) - limit; over > 0 {
		r.Key = r.Key[:max(0, len(r.Key)-over)]
	}
	room := limit - size(&r)
	if room < 0 {
		return r, fmt.Errorf("the letter's own headers take %d bytes of %d: %w", size(&r), limit, ErrTooLarge)
	}
	if whole != nil {
		r.Value = whole[:min(room, len(whole))]
	}
	return r, nil
}
