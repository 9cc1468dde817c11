package ceiling

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

const (
	batchHead = `{"batch":[`
	batchTail = `]}`
)

// batch is the body of a request under construction. Its buffer is used again and again.
type batch struct {
	body  []byte
	items int
}

// reader checks an event and takes out of it what a call needs.
type reader func(event []byte) (fields, error)

// add splices an event into the batch as a call. It reports false where the batch has no room for it; an empty one has.
func (b *batch) add(event []byte, read reader) (bool, error) {
	f, err := read(event)
	if err != nil {
		return false, err
	}
	const frame = 100 // what a call has around the spliced parts
	if b.items == sink.MaxItems || len(b.body)+len(f.kind)+len(f.person)+len(f.data)+frame > sink.MaxBytes {
		return false, nil
	}
	if b.items == 0 {
		b.body = append(b.body, batchHead...)
	} else {
		b.body = append(b.body, ',')
	}
	b.body = append(b.body, `{"type":"person","identifiers":{"id":`...)
	b.body = append(b.body, f.person...)
	if string(f.kind) == `"`+traffic.ProfileType+`"` {
		b.body = append(b.body, `},"action":"identify","attributes":`...)
	} else {
		b.body = append(b.body, `},"action":"event","name":`...)
		b.body = append(b.body, f.kind...)
		b.body = append(b.body, `,"attributes":`...)
	}
	b.body = append(b.body, f.data...)
	b.body = append(b.body, '}')
	b.items++
	return true, nil
}

// poster sends batches to the sink.
type poster struct {
	read   reader
	client *http.Client
	url    string
}

// address is the URL of a sink, which tells its scheme where that is not http.
func address(sink string) string {
	if strings.Contains(sink, "://") {
		return sink
	}
	return "http://" + sink
}

func newPoster(addr string, read reader) *poster {
	return &poster{
		read: read,
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{WriteBufferSize: 64 << 10,
			MaxIdleConnsPerHost: 16, DisableCompression: true}},
		url: address(addr) + "/api/v2/batch",
	}
}

// flush posts the batch and empties it. A request that has begun is finished even when ctx ends, so that what arrived
// is also committed.
func (p *poster) flush(ctx context.Context, b *batch) error {
	if b.items == 0 {
		return nil
	}
	b.body = append(b.body, batchTail...)
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, p.url, bytes.NewReader(b.body))
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth("site", "key")
	res, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("post: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("post: the sink answered %s", strconv.Itoa(res.StatusCode))
	}
	b.body, b.items = b.body[:0], 0
	return nil
}

// put adds an event, posting the batch first where it is full.
func (p *poster) put(ctx context.Context, b *batch, event []byte) (posted bool, err error) {
	ok, err := b.add(event, p.read)
	if ok || err != nil {
		return false, err
	}
	if err := p.flush(ctx, b); err != nil {
		return false, err
	}
	_, err = b.add(event, p.read)
	return true, err
}
