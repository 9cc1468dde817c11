package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/tracing"
)

// What the environment says of traces, and what nothing can be done with.
func TestTracesAreConfiguredByTheEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		on    bool
		error string
	}{
		"nothing":     {},
		"an endpoint": {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, on: true},
		"an exporter": {env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, on: true},
		"none": {env: map[string]string{"OTEL_TRACES_EXPORTER": "none",
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}},
		"disabled": {env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}},
		"another": {env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"},
			error: `OTEL_TRACES_EXPORTER is "zipkin"`},
		"grpc": {env: map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			error: "port 4318"},
		"no address": {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
			error: "the address"},
		"a sampler": {env: map[string]string{"OTEL_TRACES_SAMPLER": "jaeger_remote"},
			error: "OTEL_TRACES_SAMPLER is"},
		"a ratio": {env: map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio",
			"OTEL_TRACES_SAMPLER_ARG": "2"},
			error: "0 to 1"},
		"a propagator": {env: map[string]string{"OTEL_PROPAGATORS": "b3"},
			error: "OTEL_PROPAGATORS"},
		"headers": {env: map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "secret"},
			error: "name=value"},
		"a time": {env: map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"},
			error: "milliseconds"},
		"compression": {env: map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"},
			error: "gzip"},
		"a file": {env: map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": "missing.pem"},
			error: "_CERTIFICATE"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.error != "" {
				t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
			}
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			tracer, err := tracing.Start("kafka", "test", canarytest.Logger(t))
			t.Cleanup(tracer.Close) // also where there is none
			if (tracer != nil) != c.on || (err != nil) != (c.error != "") {
				t.Fatalf("%v, %v", tracer, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.error) || strings.Contains(err.Error(), "secret")) {
				t.Error(err)
			}
		})
	}
}

// handing hands over messages, none of which is done before it is asked for.
type handing struct {
	n     int
	dones []func()
	taken int
}

func (h *handing) Consume(_ context.Context, handle event.Handler) error {
	for range h.n {
		m := &event.Message{Origin: event.Origin{Topic: "events"}}
		if err := handle(nil, m, func() {}); err != nil {
			return err
		}
	}
	return nil
}

// While messages pile up, a few thousand of them are followed, so that spans take no memory that nobody has counted.
func TestTracesAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracer, err := tracing.Start("kafka", "test", canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close()
	source := &handing{n: 5000}
	numbers := map[event.Trace]bool{}
	handle := func(_ event.Lease, m *event.Message, done func()) error {
		if m.Trace != 0 {
			if numbers[m.Trace] {
				t.Errorf("two messages have the number %d", m.Trace)
			}
			numbers[m.Trace] = true
			source.taken++
			source.dones = append(source.dones, done)
		}
		return nil
	}
	consume := func(n, want int) {
		t.Helper()
		source.n, source.taken = n, 0
		if err := tracer.Source(source, false).Consume(t.Context(), handle); err != nil || source.taken != want {
			t.Errorf("%d messages are followed, want %d (%v)", source.taken, want, err)
		}
	}
	consume(5000, 4096)
	for _, done := range source.dones[:10] {
		done()
		done()
	}
	consume(20, 10)
}

// A collector that does not answer costs spans, and is told of once.
func TestTracesWithoutACollector(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for name, address := range map[string]string{
		"refuses": server.URL + "/v1/traces?key=canary", "is not there": "http://canary@127.0.0.1:1/canary",
	} {
		t.Run(name, func(t *testing.T) { sendsNothing(t, address) })
	}
}

func sendsNothing(t *testing.T, address string) {
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
	core, logs := observer.New(zap.InfoLevel)
	tracer, err := tracing.Start("kafka", "test", canarytest.Logger(t, core))
	if err != nil {
		t.Fatal(err)
	}
	handed := 0
	err = tracer.Source(&handing{n: 50}, false).Consume(t.Context(),
		func(_ event.Lease, _ *event.Message, done func()) error {
			handed++
			done()
			return nil
		})
	tracer.Close()
	if err != nil || handed != 50 {
		t.Errorf("%d messages were handed over, %v", handed, err)
	}
	if all := logs.All(); len(all) != 1 || !strings.Contains(all[0].Message, "traces cannot be sent") ||
		strings.Contains(fmt.Sprint(all[0].ContextMap()), "canary") {
		t.Errorf("the log says %v", all)
	}
}

// BenchmarkTraces is what traces cost a message: one that is followed, and one that the sampler does not want.
func BenchmarkTraces(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	for _, sampler := range []string{"always_on", "always_off"} {
		b.Run(sampler, func(b *testing.B) {
			b.Setenv("OTEL_TRACES_SAMPLER", sampler)
			tracer, err := tracing.Start("kafka", "test", zap.NewNop())
			if err != nil {
				b.Fatal(err)
			}
			defer tracer.Close()
			b.ReportAllocs()
			b.ResetTimer()
			err = tracer.Source(&handing{n: b.N}, false).Consume(b.Context(),
				func(_ event.Lease, _ *event.Message, done func()) error {
					done()
					return nil
				})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
