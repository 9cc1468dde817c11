package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/twmb/franz-go/pkg/kgo"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// collector takes spans as one of OpenTelemetry does.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]string
	written  bytes.Buffer // what arrived
	headers  http.Header
	refuse   int // so many requests are answered 503
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse > 0 {
		c.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, err := io.ReadAll(body)
	var data tracepb.TracesData
	if err != nil || proto.Unmarshal(text, &data) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.written.Write(text)
	c.headers = r.Header
	for _, from := range data.ResourceSpans {
		c.resource = attributes(from.Resource.Attributes)
		for _, scope := range from.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// taken is what has arrived, requests first.
func (c *collector) taken() (requests, messages []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Kind == tracepb.Span_SPAN_KIND_CLIENT {
			requests = append(requests, s)
		} else {
			messages = append(messages, s)
		}
	}
	return requests, messages
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			m[a.Key] = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			m[a.Key] = fmt.Sprint(v.BoolValue)
		case *commonpb.AnyValue_ArrayValue:
			for _, e := range v.ArrayValue.Values {
				m[a.Key] += e.GetStringValue() + ";"
			}
		}
	}
	return m
}

const (
	shopTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	shopSpan  = "00f067aa0ba902b7"
)

func traceparent(sampled bool) string {
	flags := "00"
	if sampled {
		flags = "01"
	}
	return "00-" + shopTrace + "-" + shopSpan + "-" + flags
}

// wantAttributes compares those that are given.
func wantAttributes(t *testing.T, s *tracepb.Span, want map[string]string) {
	t.Helper()
	got := attributes(s.Attributes)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("span %q: %s is %q, want %q", s.Name, key, got[key], value)
		}
	}
}

func linked(from, to *tracepb.Span) bool {
	return slices.ContainsFunc(from.Links, func(l *tracepb.Span_Link) bool {
		return bytes.Equal(l.SpanId, to.SpanId) && bytes.Equal(l.TraceId, to.TraceId)
	})
}

// A collector gets the trace of a message: in the trace that its headers name, with the request that carried it linked
// both ways. What the producer does not sample has no span, and nothing personal is in any. A replay begins a trace of
// its own, which refers to the first.
func TestTracesReachACollector(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.session = longSession
	c := newCollector(t)
	c.refuse = 1
	if _, err := b.cio.AddFault(emulator.Fault{Name: "refuse", Refuse: "invalid", Person: "id:canary-3"}); err != nil {
		t.Fatal(err)
	}
	for i, header := range []string{traceparent(true), traceparent(false), "", traceparent(true)} {
		who := fmt.Sprintf("canary-%d", i)
		record := &kgo.Record{Key: []byte(who), Value: b.event(who, "numbered")}
		if header != "" {
			record.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte(header)}}
		}
		if err := b.client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_SERVICE_NAME=orders-bridge",
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=canary%20key", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
		"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test"}
	path := b.configure(b.source(), "{file: "+b.path("dead.jsonl")+"}")
	log := &logBuffer{}
	bridge := watch(t, launchWith(t, log, env, "run", "-c", path), log)
	eventually(t, "all sent", 30*time.Second, func() bool { return b.cio.Stats().Taken == 3 })
	bridge.signal(syscall.SIGTERM)
	if bridge.endedBy(syscall.SIGTERM, 20*time.Second) || bridge.ProcessState.ExitCode() != exit.OK {
		t.Fatalf("%s\n%s", bridge.ProcessState, log)
	}
	requests, messages := c.taken()
	if len(messages) != 3 || len(requests) == 0 {
		t.Fatalf("%d spans of messages and %d of requests\n%s", len(messages), len(requests), log)
	}
	slices.SortFunc(messages, func(a, b *tracepb.Span) int {
		return strings.Compare(attributes(a.Attributes)["ciobridge.origin"],
			attributes(b.Attributes)["ciobridge.origin"])
	})
	judgeMessageSpans(t, messages, requests)
	if c.resource["service.name"] != "orders-bridge" || c.resource["deployment.environment.name"] != "test" ||
		c.headers.Get("Api-Key") != "canary key" {
		t.Errorf("the resource is %v", c.resource)
	}

	b.cio.RemoveFault("refuse")
	c.mu.Lock()
	c.spans = nil
	c.mu.Unlock()
	replay := launchWith(t, log, env, "deadletters", "replay", "-c", path, "--all")
	if err := replay.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	_, messages = c.taken()
	if len(messages) != 1 || hex.EncodeToString(messages[0].TraceId) == shopTrace ||
		!slices.ContainsFunc(messages[0].Links, func(l *tracepb.Span_Link) bool {
			return hex.EncodeToString(l.SpanId) == shopSpan
		}) {
		t.Errorf("the replay has the spans %v", messages)
	}
	if bytes.Contains(c.written.Bytes(), []byte("canary")) || strings.Contains(log.String(), "canary key") {
		t.Error("something personal or secret was written")
	}
}

func judgeMessageSpans(t *testing.T, messages, requests []*tracepb.Span) {
	t.Helper()
	first, own, failed := messages[0], messages[1], messages[2]
	for _, s := range []*tracepb.Span{first, failed} {
		if hex.EncodeToString(s.TraceId) != shopTrace || hex.EncodeToString(s.ParentSpanId) != shopSpan {
			t.Errorf("%s is in the trace %x under %x", s.Name, s.TraceId, s.ParentSpanId)
		}
	}
	if hex.EncodeToString(own.TraceId) == shopTrace || len(own.ParentSpanId) > 0 {
		t.Errorf("a message without a context has the parent %x", own.ParentSpanId)
	}
	if first.Kind != tracepb.Span_SPAN_KIND_CONSUMER || first.Name != "process events" {
		t.Errorf("the span is %s %q", first.Kind, first.Name)
	}
	wantAttributes(t, first, map[string]string{"messaging.system": "kafka", "messaging.operation.type": "process",
		"messaging.destination.name": "events", "messaging.destination.partition.id": "0",
		"messaging.kafka.offset": "0",
		"ciobridge.origin":       "events/0@0", "ciobridge.rules": "numbered;", "ciobridge.outcome": "delivered"})
	wantAttributes(t, own, map[string]string{"ciobridge.origin": "events/0@2", "ciobridge.outcome": "delivered"})
	wantAttributes(t, failed, map[string]string{"ciobridge.outcome": "dead_lettered", "error.type": "refused"})
	if failed.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || len(failed.Links) == 0 {
		t.Errorf("the dead letter has the status %v and the links %v", failed.Status, failed.Links)
	}
	i := slices.IndexFunc(requests, func(r *tracepb.Span) bool { return linked(r, first) })
	if i < 0 || !linked(first, requests[i]) {
		t.Fatalf("no request is linked with the message: %v", requests)
	}
	wantAttributes(t, requests[i], map[string]string{"http.request.method": "POST",
		"http.response.status_code": "207", "url.template": "/api/v2/batch", "server.address": "127.0.0.1",
		"ciobridge.endpoint": "batch"})
	if requests[i].Name != "POST /api/v2/batch" || len(requests[i].ParentSpanId) > 0 {
		t.Errorf("the span of the request is %v", requests[i])
	}
}

// The context of a message of NATS stands in its headers, too; a sampler takes no more than it is told to.
func TestTracesOfNATS(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	c := newCollector(t)
	for i, header := range []string{"", traceparent(true)} {
		m := nats.NewMsg("events.test")
		m.Data = s.event(fmt.Sprintf("p%d", i), "numbered")
		if header != "" {
			m.Header.Set("Traceparent", header)
		}
		if _, err := s.js.PublishMsg(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	log := &logBuffer{}
	env := []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_TRACES_SAMPLER=parentbased_always_off",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + c.URL + "/v1/traces"}
	bridge := watch(t, launchWith(t, log, env, "run", "-c", s.configureNATS()), log)
	s.arrive(20 * time.Second)
	bridge.signal(syscall.SIGTERM)
	bridge.endedBy(syscall.SIGTERM, 20*time.Second)
	requests, messages := c.taken()
	if len(messages) != 1 || len(requests) != 1 || !linked(requests[0], messages[0]) {
		t.Fatalf("%d spans of messages and %d of requests\n%s", len(messages), len(requests), log)
	}
	if hex.EncodeToString(messages[0].TraceId) != shopTrace {
		t.Errorf("the trace is %x", messages[0].TraceId)
	}
	wantAttributes(t, messages[0], map[string]string{"messaging.system": "nats", "ciobridge.origin": "EVENTS/0@2",
		"messaging.destination.name": "EVENTS"})
	if os.Getenv("OTEL_TRACES_EXPORTER") == "" && c.resource["service.name"] != "ciobridge" {
		t.Errorf("the resource is %v", c.resource)
	}
}
