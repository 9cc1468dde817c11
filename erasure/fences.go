package erasure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Fences are those of a log, as far as it was read.
type Fences struct {
	log    Log
	digest Digester

	reading sync.Mutex // held while the log is read; mu is taken under it

	mu      sync.Mutex
	known   map[Digest]Fence
	pending map[Digest]time.Time // whose erasure is not accepted yet, and since when that is known here
	stale   map[Digest]bool      // of which the log has last what does not count
	topics  map[string]string    // one text of each name
	read    time.Time            // when the last reading that was complete began
	foreign int                  // records that are none of ours
	proof   string               // what the log says of its key
}

// NewFences makes fences of a log that nobody has read yet. The digester is that of all who share the log.
func NewFences(log Log, digest Digester) *Fences {
	return &Fences{log: log, digest: digest, known: map[Digest]Fence{},
		pending: map[Digest]time.Time{}, stale: map[Digest]bool{}, topics: map[string]string{}}
}

// keyRecord is the key of the record that tells under which key the fences were written.
const keyRecord = "key"

// Open proves that the log can be used, reads it, and makes sure that its fences were written under the same key.
func (f *Fences) Open(ctx context.Context) error {
	if err := f.log.Check(ctx); err != nil {
		return err
	}
	if err := f.Refresh(ctx); err != nil {
		return err
	}
	want := f.digest.Of("", "the key of these fences").String()
	f.mu.Lock()
	proof, fences := f.proof, len(f.known)
	f.mu.Unlock()
	switch {
	case proof == want:
		return nil
	case proof != "" || fences > 0:
		return ErrOtherKey
	}
	if err := f.log.Write(ctx, Record{keyRecord, []byte(want)}); err != nil {
		return fmt.Errorf("note the key of the fences: %w", err)
	}
	return f.Refresh(ctx)
}

// Refresh reads what was written since the last time.
func (f *Fences) Refresh(ctx context.Context) error {
	f.reading.Lock()
	defer f.reading.Unlock()
	began := time.Now()
	if err := f.log.Read(ctx, f.take); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = began
	return nil
}

// take takes a record of the log into account.
func (f *Fences) take(r Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Key == keyRecord {
		f.proof = string(r.Value)
		return
	}
	d, fence, err := decode(r)
	if err != nil {
		f.foreign++
		return
	}
	topic, ok := f.topics[fence.Erased.Topic]
	if !ok {
		topic = fence.Erased.Topic
		f.topics[topic] = topic
	}
	fence.Erased.Topic = topic
	f.know(d, fence)
}

// know takes a fence into account that was read. The caller holds mu.
func (f *Fences) know(d Digest, read Fence) {
	old, ok := f.known[d]
	fence := read
	if ok {
		fence = newer(old, read)
	}
	f.known[d] = fence
	if fence.taken() {
		delete(f.pending, d)
	} else if !ok || !fence.Raised.Equal(old.Raised) {
		f.pending[d] = time.Now()
	}
	if fence.same(read) {
		delete(f.stale, d)
	} else {
		f.stale[d] = true
	}
}

// restore writes what counts where the log has something else last, which would be all that is left once the log
// forgets what stands before the last of a key.
func (f *Fences) restore(ctx context.Context) error {
	var records []Record
	f.mu.Lock()
	for d := range f.stale {
		fence := f.known[d]
		fence.Version++
		if r, err := encode(d, fence); err == nil {
			records = append(records, r)
		}
	}
	f.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	if err := f.log.Write(ctx, records...); err != nil {
		return err
	}
	return f.Refresh(ctx)
}

// pendingSince is since when this process knows of an erasure that Customer.io has not accepted yet; zero where there
// is none. Whoever reads the log later than that knows of it, too, whatever the clocks say and however long the fence
// took to be written.
func (f *Fences) pendingSince(d Digest) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending[d]
}

// Len is how many identifiers have a fence.
func (f *Fences) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.known)
}

// Behind is for how long the log has not been read.
func (f *Fences) Behind() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.read)
}

func (f *Fences) get(d Digest) (Fence, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fence, ok := f.known[d]
	return fence, ok
}

// errContended means that others write the same fence again and again.
var errContended = errors.New("another replica writes the same fence: it is tried again")

// tries bounds how often a fence is written where somebody else writes it at the same time.
const tries = 5

// put stores fences, and returns when they are read back: every replica then sees the same. Change gives from what is
// known of an identifier what is to be stored; what it changes nothing of is not written. It may be asked again.
func (f *Fences) put(ctx context.Context, of []Digest, change func(d Digest, old Fence, known bool) Fence) error {
	for range tries {
		if err := f.Refresh(ctx); err != nil {
			return err
		}
		var records []Record
		for _, d := range of {
			old, known := f.get(d)
			next := change(d, old, known)
			if known && next.same(old) {
				continue
			}
			next.Version = old.Version + 1
			r, err := encode(d, next)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		if len(records) == 0 {
			return nil
		}
		if err := f.log.Write(ctx, records...); err != nil {
			return err
		}
	}
	return errContended
}

// poll is how often the log is looked at, and fresh for how long what was read is taken for all there is.
const (
	poll  = 500 * time.Millisecond
	fresh = 5 * time.Second
)

// Watch reads the log again and again until ctx ends. Failed is told of each failure, and of nil after a success.
func (f *Fences) Watch(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			attempt, cancel := context.WithTimeout(ctx, fresh)
			err := f.Refresh(attempt)
			if err == nil {
				_ = f.restore(attempt) // it is tried again with the next reading
			}
			cancel()
			if ctx.Err() == nil {
				failed(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Trouble says that nothing is sent because the log has not been read for too long; nil while all is well.
func (f *Fences) Trouble() error {
	if behind := f.Behind(); behind > fresh {
		return fmt.Errorf("could not be read for %s; nothing is sent until they can", behind.Round(time.Second))
	}
	return nil
}
