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
	"github.com/ciobridge/ciobridge/internal/output"
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
	waiting atomic.Int64 // schemas that are asked for in vain
	asked   *prometheus.CounterVec

	mu    sync.RWMutex
	known map[registry.Ref]*schema
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
	d := &Decoder{log: log, known: map[registry.Ref]*schema{}, asked: prometheus.NewCounterVec(prometheus.CounterOpts{
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
	for _, outcome := range []string{"found", "unknown", "unreadable", "failed"} {
		d.asked.WithLabelValues(outcome) // so that the first of each is seen as growth
	}
	reg.MustRegister(d.asked, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ciobridge_schema_registry_waiting",
		Help: "Schemas that the registry was asked for in vain; the partitions that need one wait.",
	}, func() float64 { return float64(d.waiting.Load()) }))
	return d, nil
}

// Close closes the connections to the registry.
func (d *Decoder) Close() {
	if d.client != nil {
		d.client.Close()
	}
}

// Troubles says that partitions wait for the registry; it is empty while none do.
func (d *Decoder) Troubles() []string {
	if n := d.waiting.Load(); n > 0 {
		return []string{"the schema registry does not answer: partitions wait for " + output.Count(int(n), "schema")}
	}
	return nil
}

// Decode gives a message what its value and key hold, or says in it why they cannot be read. It waits for the registry
// where it must. The error is that of ctx.
func (d *Decoder) Decode(ctx context.Context, forms event.Forms, m *event.Message) (err error) {
	var c event.Content
	var wrong error
	if hasSchema(forms.Value) && len(m.Value) > 0 {
		c.Value, wrong, err = d.content(ctx, forms.Value, header(m, valueHeader), m.Value)
		if wrong != nil {
			c.Unreadable = "the record's value " + wrong.Error()
		}
		m.Content = &c
	}
	if err != nil || wrong != nil || !hasSchema(forms.Key) || len(m.Key) == 0 {
		return err
	}
	if named := header(m, keyHeader); isFramed(named, m.Key) {
		c.Key, wrong, err = d.content(ctx, forms.Key, named, m.Key)
		if wrong != nil {
			c.Unreadable = "the record's key " + wrong.Error()
		}
		m.Content = &c
	}
	return err
}

// Reads reports whether values or keys of these forms are read by a schema.
func Reads(f event.Forms) bool { return hasSchema(f.Value) || hasSchema(f.Key) }

func hasSchema(form string) bool { return form != "" && form != JSON }

// content is a value or key as JSON. Wrong says why there is none; err is that of ctx.
func (d *Decoder) content(ctx context.Context, form string, header, value []byte) (content []byte, wrong, err error) {
	ref, data, wrong := unframe(form, header, value)
	if wrong != nil || form == JSONSchema {
		return data, wrong, nil
	}
	s, err := d.schema(ctx, ref)
	switch {
	case err != nil:
		return nil, nil, err
	case s.wrong != nil:
		return nil, s.wrong, nil
	case s.typ != types[form]:
		return nil, typeError(ref, form, s.typ), nil
	}
	content, wrong = s.append(make([]byte, 0, 2*len(data)+64), data)
	if wrong != nil {
		return nil, fmt.Errorf("does not fit its schema %s: %w", ref, wrong), nil
	}
	return content, nil, nil
}

// schema gives a schema that is known, or asks for it. Of those who need the same one, one asks.
func (d *Decoder) schema(ctx context.Context, ref registry.Ref) (*readSchema, error) {
	s := d.entry(ref)
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
	r, err := d.ask(ctx, ref)
	if err == nil {
		s.read.Store(r)
	}
	return r, err
}

func (r *readSchema) valid() bool { return r != nil && (r.wrong == nil || time.Now().Before(r.until)) }

// entry gives the place of a schema in the table.
func (d *Decoder) entry(ref registry.Ref) *schema {
	d.mu.RLock()
	s := d.known[ref]
	d.mu.RUnlock()
	if s != nil {
		return s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s = d.known[ref]; s == nil {
		for other := range d.known { // any one, which is asked for again if need be
			if len(d.known) < maxKnown {
				break
			}
			delete(d.known, other)
		}
		s = &schema{turn: make(chan struct{}, 1)}
		d.known[ref] = s
	}
	return s
}
