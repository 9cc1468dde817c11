package content

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
)

const (
	// maxKnown is how many schemas are kept. Their numbers come with the values, and so from anybody.
	maxKnown = 1000
	// askAgain is how long it is believed that there is no such schema, or that it cannot be read.
	askAgain = time.Minute
)

// Decoder turns values into JSON by the schemas of a registry. It is safe for use by several goroutines. It must be
// closed.
type Decoder struct {
	client  *registry.Client // nil where there is no registry
	log     *zap.Logger
	waiting atomic.Int64 // messages that wait for the registry
	asked   *prometheus.CounterVec

	mu    sync.RWMutex
	known map[uint32]*schema
}

// schema is what is known of one schema.
type schema struct {
	turn chan struct{} // holds one while somebody asks
	read atomic.Pointer[readSchema]
}

// readSchema is the outcome of asking.
type readSchema struct {
	typ    string
	append func(dst, data []byte) ([]byte, error)
	wrong  error     // why values of it cannot be read
	until  time.Time // for how long that is believed
}

// NewDecoder makes a decoder. Without a registry it reads JSON with the number of a schema only. It connects to
// nothing.
func NewDecoder(c registry.Config, log *zap.Logger, reg prometheus.Registerer) (*Decoder, error) {
	d := &Decoder{log: log, known: map[uint32]*schema{}, asked: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ciobridge_schema_registry_requests_total",
		Help: "Requests for a schema, by what came of them: found, unknown, unreadable or failed.",
	}, []string{"outcome"})}
	if c.IsZero() {
		return d, nil
	}
	var err error
	if d.client, err = registry.New(c); err != nil {
		return nil, err
	}
	reg.MustRegister(d.asked, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ciobridge_schema_registry_waiting",
		Help: "Partitions that wait for a schema because the registry does not answer.",
	}, func() float64 { return float64(d.waiting.Load()) }))
	return d, nil
}

// Close closes the connections to the registry.
func (d *Decoder) Close() {
	if d.client != nil {
		d.client.Close()
	}
}

// Troubles says that messages wait for the registry; it is empty while none do.
func (d *Decoder) Troubles() []string {
	if n := d.waiting.Load(); n > 0 {
		return []string{fmt.Sprintf("%d partitions wait for the schema registry", n)}
	}
	return nil
}

// Decode gives a message its content, or says in it why there is none. It waits for the registry where it must. The
// error is that of ctx.
func (d *Decoder) Decode(ctx context.Context, form string, m *event.Message) error {
	if form == "" || form == JSON || len(m.Value) == 0 {
		return nil
	}
	content, wrong, err := d.content(ctx, form, m.Value)
	if err != nil {
		return err
	}
	if m.Content = content; wrong != nil {
		m.Content, m.Unreadable = nil, wrong.Error()
	}
	return nil
}

// content is a value as JSON. Wrong says why there is none; err is that of ctx.
func (d *Decoder) content(ctx context.Context, form string, value []byte) (content []byte, wrong, err error) {
	id, rest, wrong := unframe(value)
	if wrong != nil || form == JSONSchema {
		return rest, wrong, nil
	}
	s, err := d.schema(ctx, id)
	switch {
	case err != nil:
		return nil, nil, err
	case s.wrong != nil:
		return nil, s.wrong, nil
	case s.typ != types[form]:
		return nil, typeError(id, form, s.typ), nil
	}
	content, wrong = s.append(make([]byte, 0, 2*len(rest)+64), rest)
	if wrong != nil {
		wrong = fmt.Errorf("does not fit its schema %d: %w", id, wrong)
	}
	return content, wrong, nil
}

// schema gives a schema that is known, or asks for it. Of those who need the same one, one asks.
func (d *Decoder) schema(ctx context.Context, id uint32) (*readSchema, error) {
	s := d.entry(id)
	if r := s.read.Load(); r.valid() {
		return r, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if r := s.read.Load(); r.valid() {
		return r, nil
	}
	r, err := d.ask(ctx, id)
	if err == nil {
		s.read.Store(r)
	}
	return r, err
}

func (r *readSchema) valid() bool { return r != nil && (r.wrong == nil || time.Now().Before(r.until)) }

// entry gives the place of a schema in the table.
func (d *Decoder) entry(id uint32) *schema {
	d.mu.RLock()
	s := d.known[id]
	d.mu.RUnlock()
	if s != nil {
		return s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s = d.known[id]; s == nil {
		for other := range d.known { // any one, which is asked for again if need be
			if len(d.known) < maxKnown {
				break
			}
			delete(d.known, other)
		}
		s = &schema{turn: make(chan struct{}, 1)}
		d.known[id] = s
	}
	return s
}
