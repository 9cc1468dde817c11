package seal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Room is more than sealing adds to a record.
const Room = 512

// Sealer seals and opens records with the keys of a file. It is made by New; nil is one that leaves records as they
// are.
type Sealer struct {
	path string

	mu      sync.Mutex
	keys    *keys
	changed time.Time // of the file, when the keys were read
	size    int64
}

// New makes a sealer with the keys of a file, which is read when it is first needed. It is nil without a file.
func New(path string) *Sealer {
	if path == "" {
		return nil
	}
	return &Sealer{path: path}
}

// Check reports why nothing can be sealed.
func (s *Sealer) Check() error {
	if s == nil {
		return nil
	}
	_, err := s.current()
	return err
}

// current reads the keys again where the file has changed.
func (s *Sealer) current() (*keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	if err == nil && s.keys != nil && info.ModTime().Equal(s.changed) && info.Size() == s.size {
		return s.keys, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of dead letters: %w", err)
	}
	k, err := readKeys(s.path)
	if err != nil {
		return nil, err
	}
	s.keys, s.changed, s.size = k, info.ModTime(), info.Size()
	return k, nil
}

// Seal gives the record as it is to be stored. One that is sealed already stays as it is, and a resolution only loses
// its key, which is that of its letters.
func (s *Sealer) Seal(r deadletter.Record) (deadletter.Record, error) {
	if s == nil || r.SealedUnder() != "" {
		return r, nil
	}
	identity := r.Identity()
	if identity == nil {
		r.Key = nil
		return r, nil
	}
	k, err := s.current()
	if err != nil {
		return r, err
	}
	var own, others []event.Header
	for _, h := range r.Headers {
		if deadletter.IsOwnHeader(h.Key) {
			own = append(own, h)
		} else {
			others = append(others, h)
		}
	}
	plain := appendPart(nil, r.Key)
	plain = appendPart(plain, r.Value)
	plain = deadletter.AppendHeadersJSON(plain, others)
	aead := k.by[k.first]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	r.Value = aead.Seal(nonce, nonce, plain, identity)
	r.Key = nil
	r.Headers = append([]event.Header{{Key: deadletter.HeaderSealed, Value: []byte(k.first)}}, own...)
	return r, nil
}

// Open gives the record as it was before it was sealed. One that cannot be opened, because its key is missing or it was
// changed, stays sealed; so does every one where there are no keys.
func (s *Sealer) Open(r deadletter.Record) deadletter.Record {
	id := r.SealedUnder()
	if s == nil || id == "" {
		return r
	}
	k, err := s.current()
	if err != nil || k.by[id] == nil {
		return r
	}
	opened, err := open(k, id, r)
	if err != nil {
		return r
	}
	return opened
}

var errSealed = errors.New("not what was sealed")

func open(k *keys, id string, r deadletter.Record) (deadletter.Record, error) {
	aead := k.by[id]
	if len(r.Value) < aead.NonceSize() {
		return r, errSealed
	}
	plain, err := aead.Open(nil, r.Value[:aead.NonceSize()], r.Value[aead.NonceSize():], r.Identity())
	if err != nil {
		return r, err
	}
	sealed := r.Headers
	if r.Key, plain, err = part(plain); err != nil {
		return r, err
	}
	if r.Value, plain, err = part(plain); err != nil {
		return r, err
	}
	if r.Headers, err = deadletter.ParseHeadersJSON(plain); err != nil {
		return r, err
	}
	for _, h := range sealed {
		if deadletter.IsOwnHeader(h.Key) && h.Key != deadletter.HeaderSealed {
			r.Headers = append(r.Headers, h)
		}
	}
	return r, nil
}

// appendPart writes bytes behind their length; null is not the same as empty.
func appendPart(b, content []byte) []byte {
	n := int64(len(content))
	if content == nil {
		n = -1
	}
	return append(binary.BigEndian.AppendUint64(b, uint64(n)), content...)
}

// part reads what appendPart wrote.
func part(b []byte) (content, rest []byte, err error) {
	if len(b) < 8 {
		return nil, nil, errSealed
	}
	n := int64(binary.BigEndian.Uint64(b))
	switch b = b[8:]; {
	case n == -1:
		return nil, b, nil
	case n < 0 || n > int64(len(b)):
		return nil, nil, errSealed
	}
	return b[:n:n], b[n:], nil
}
