package landing

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// A kind is a type of activities that tell of calls without an effect, and what they mean.
type kind struct{ name, meaning string }

var kinds = []kind{
	{"failed_attribute_change", "attributes were not set: an identifier belongs to somebody else or is suppressed, a " +
		"cio_id is nobody's, _update found nobody, or a merge had only one side"},
	{"relationship_failed_attribute_change", "attributes of a relationship were not set"},
	{"failed_event", "an event was not counted"},
	{"failed_batch_update", "an item of a batch did nothing, such as people who are not there for a segment"},
	{"skipped_update", "an update was ignored, which its timestamp says to be older than the person's latest"},
}

// ofObjects are the ends of types that begin with the number of a type of objects, and cannot be asked for without it.
var ofObjects = [...]kind{
	{"_o:%s:failed_attribute_change", "attributes of an object were not set, or the object is not there"},
	{"_r:%s:failed_attribute_change", "attributes of a relationship to an object of this type were not set"},
}

const (
	objectTypes = 20 // of which failures are asked for

	pageSize = 100 // the most that Customer.io gives at once
	pages    = 3   // of one type, each time
	pace     = time.Second
	keep     = 4 << 20 // bytes of one page
)

// Probe looks at one workspace.
type Probe struct {
	client    *customerio.Client
	workspace string
	every     time.Duration
	log       *zap.Logger

	found, asked *prometheus.CounterVec
	began        int64             // unix seconds: what is older was there before
	latest       map[string]string // by type, the id of the latest entry that was seen
	failing      bool
}

// Metrics are those of all probes of a process.
type Metrics struct{ found, asked *prometheus.CounterVec }

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		found: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_landing_failures_total",
			Help: "Entries of Customer.io's activity log about calls that were taken and had no effect, from " +
				"whomever they came. It is a sample, and every replica counts."}, []string{"workspace", "type"}),
		asked: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_landing_probes_total",
			Help: "How often the activity log was asked, by result: read or failed.",
		}, []string{"workspace", "result"}),
	}
	reg.MustRegister(m.found, m.asked)
	return m
}

// New makes a probe of a workspace, whose client has an App key.
func New(c *customerio.Client, workspace string, every time.Duration, m *Metrics, log *zap.Logger) *Probe {
	return &Probe{client: c, workspace: workspace, every: every, log: log, found: m.found, asked: m.asked,
		began: time.Now().Unix(), latest: map[string]string{}}
}

// Run looks at intervals until ctx ends. The first failure in a row and the recovery are logged.
func (p *Probe) Run(ctx context.Context) {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := p.look(ctx)
		if ctx.Err() != nil {
			return
		}
		result := "read"
		if err != nil {
			result = "failed"
		}
		p.asked.WithLabelValues(p.workspace, result).Inc()
		if failing := err != nil; failing != p.failing {
			p.failing = failing
			if failing {
				p.log.Warn("the activity log cannot be read, so that nobody tells of calls without an effect",
					zap.String("workspace", p.workspace), zap.Error(err))
			} else {
				p.log.Info("the activity log is read again", zap.String("workspace", p.workspace))
			}
		}
	}
}

// look asks once for what is new of each kind.
func (p *Probe) look(ctx context.Context) error {
	asked := slices.Clone(kinds)
	types, err := p.objectTypes(ctx)
	for _, number := range types {
		for _, k := range ofObjects {
			asked = append(asked, kind{fmt.Sprintf(k.name, number), k.meaning})
		}
	}
	var errs []error
	if err != nil {
		errs = append(errs, fmt.Errorf("ask for the types of objects: %w", err))
	}
	for _, k := range asked {
		n, newest, err := p.count(ctx, k.name)
		if err != nil { // of one type: the others may be told all the same
			errs = append(errs, fmt.Errorf("ask for %s: %w", k.name, err))
		}
		if n == 0 {
			continue
		}
		p.found.WithLabelValues(p.workspace, k.name).Add(float64(n))
		p.log.Warn("Customer.io has taken calls that had no effect", zap.String("workspace", p.workspace),
			zap.String("type", k.name), zap.String("meaning", k.meaning), zap.Int("at_least", n),
			zap.Time("latest", time.Unix(newest, 0).UTC()))
	}
	return errors.Join(errs...)
}

// page is what the answer holds, as far as it is looked at.
type page struct {
	Activities []struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
	} `json:"activities"`
	Next string `json:"next"`
}

// count counts the entries of one type that are new, of which the latest come first.
func (p *Probe) count(ctx context.Context, name string) (n int, newest int64, err error) {
	last, latest, start := p.latest[name], p.latest[name], ""
	for range pages {
		found, err := p.page(ctx, name, start)
		if err != nil {
			return 0, 0, err
		}
		more := len(found.Activities) > 0
		for _, a := range found.Activities {
			at := written(a.ID, a.Timestamp)
			if a.ID <= last || at < p.began {
				more = false
				continue
			}
			n++
			newest, latest = max(newest, at), max(latest, a.ID)
		}
		if start = found.Next; !more || start == "" {
			break
		}
	}
	p.latest[name] = latest
	return n, newest, nil
}

// written is when an entry was written, in unix seconds. Its id tells: its timestamp may be that of an event of long
// ago.
func written(id string, timestamp int64) int64 {
	parsed, err := event.ParseID(id)
	if err != nil {
		return timestamp
	}
	return int64(binary.BigEndian.Uint64(parsed[:8])>>16) / 1000
}

var errAnswer = errors.New("the answer is not what was asked for")

// objectTypes gives the numbers of the first types of objects in the workspace. There are none where it has no objects,
// or where the key may not ask for them.
func (p *Probe) objectTypes(ctx context.Context) (numbers []string, err error) {
	var found struct {
		Types []struct {
			ID string `json:"id"`
		} `json:"types"`
	}
	switch status, err := p.ask(ctx, "/v1/object_types", &found); {
	case status == http.StatusForbidden, status == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, t := range found.Types {
		if n, err := strconv.ParseUint(t.ID, 10, 32); err == nil && len(numbers) < objectTypes {
			numbers = append(numbers, strconv.FormatUint(n, 10))
		}
	}
	return numbers, nil
}

func (p *Probe) page(ctx context.Context, name, start string) (found page, err error) {
	query := url.Values{"type": {name}, "limit": {strconv.Itoa(pageSize)}}
	if start != "" {
		query.Set("start", start)
	}
	_, err = p.ask(ctx, "/v1/activities?"+query.Encode(), &found)
	return found, err
}

// ask makes one request, a second after the one before: the budget of App is small, and others need it.
func (p *Probe) ask(ctx context.Context, path string, into any) (status int, err error) {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	answer := p.client.Do(ctx, customerio.Request{Endpoint: customerio.App, Method: http.MethodGet, Path: path,
		Keep: keep})
	if answer.Verdict != customerio.Accepted || answer.Content == nil {
		return answer.Status, errors.New(answer.String())
	}
	if json.Unmarshal(answer.Content.Body, into) != nil {
		return answer.Status, errAnswer
	}
	return answer.Status, nil
}
