package erasure

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Record is a fence as it is stored: a key, and the value that counts until another is written under it.
type Record struct {
	Key   string
	Value []byte
}

// stored is a fence in JSON. Names of topics are the only text in it.
type stored struct {
	Topic      string    `json:"topic"`
	Partition  int32     `json:"partition"`
	Offset     int64     `json:"offset"`
	Item       int32     `json:"item,omitempty"`
	Time       time.Time `json:"time"`
	Raised     time.Time `json:"raised"`
	Deleted    bool      `json:"deleted"`
	Suppressed bool      `json:"suppressed"`
	Deletion   bool      `json:"delete_taken"`
	Suppress   bool      `json:"suppress_taken"`
	Version    uint32    `json:"version"`
}

func encode(d Digest, f Fence) (Record, error) {
	value, err := json.Marshal(stored{
		f.Erased.Topic, f.Erased.Partition, f.Erased.Offset, f.Erased.Item, f.Erased.Time.UTC(), f.Raised.UTC(),
		f.Deleted, f.Suppressed, f.DeleteTaken, f.SuppressTaken, f.Version,
	})
	if err != nil {
		return Record{}, fmt.Errorf("encode a fence: %w", err) // a time beyond the year 9999
	}
	return Record{d.String(), value}, nil
}

var errForeign = errors.New("is no fence")

func decode(r Record) (Digest, Fence, error) {
	d, err := parseDigest(r.Key)
	if err != nil {
		return d, Fence{}, fmt.Errorf("the key of a record %w: %w", errForeign, err)
	}
	var s stored
	if err := json.Unmarshal(r.Value, &s); err != nil || s.Topic == "" && s.Time.IsZero() {
		return d, Fence{}, fmt.Errorf("the value of %s %w", r.Key, errForeign)
	}
	at := Place{Topic: s.Topic, Partition: s.Partition, Offset: s.Offset, Item: s.Item, Time: s.Time}
	return d, Fence{at, s.Raised, s.Deleted, s.Suppressed, s.Deletion, s.Suppress, s.Version}, nil
}
