package tracing

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// A Tracer makes spans and has them sent. It must be closed.
type Tracer struct {
	system     attribute.KeyValue // the kind of broker
	propagates bool               // the headers of messages are read
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	open       openSpans // messages that are followed
}

// What this package reads of the environment. The SDK itself reads the limits of spans and those of its queue.
const (
	disabledVariable    = "OTEL_SDK_DISABLED"
	exporterVariable    = "OTEL_TRACES_EXPORTER"
	samplerVariable     = "OTEL_TRACES_SAMPLER"
	samplerArgVariable  = "OTEL_TRACES_SAMPLER_ARG"
	propagatorsVariable = "OTEL_PROPAGATORS"
)

// asked reports whether the environment asks for traces: by OTEL_TRACES_EXPORTER, or where that is not set, by an
// endpoint.
func asked() bool {
	if strings.EqualFold(strings.TrimSpace(os.Getenv(disabledVariable)), "true") {
		return false
	}
	switch strings.TrimSpace(os.Getenv(exporterVariable)) {
	case "none":
		return false
	case "":
		return otlpVariable("ENDPOINT") != ""
	}
	return true
}

// Start reads the environment, and returns nil where that asks for no traces. The kind is that of the source, the
// version the program's. The error says which variable has a value that nothing can be done with.
func Start(kind, version string, log *zap.Logger) (*Tracer, error) {
	if !asked() {
		return nil, nil
	}
	if name := strings.TrimSpace(os.Getenv(exporterVariable)); name != "" && name != "otlp" {
		return nil, fmt.Errorf("%s is %q: want otlp, or none", exporterVariable, name)
	}
	sampling, err := newSampler()
	if err != nil {
		return nil, err
	}
	propagates, err := readsContext()
	if err != nil {
		return nil, err
	}
	client, err := newClient(log)
	if err != nil {
		return nil, err
	}
	from, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", "ciobridge"),
			attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	system := "nats"
	if kind == "kafka" {
		system = kind
	}
	// No network is touched here: the client connects with its first spans.
	exporter := otlptrace.NewUnstarted(client)
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sampling), sdk.WithResource(from))
	return &Tracer{
		system: attribute.String("messaging.system", system), propagates: propagates, provider: provider,
		tracer: provider.Tracer("github.com/ciobridge/ciobridge", trace.WithInstrumentationVersion(version)),
	}, nil
}

// closeLimit is how long spans are waited for that are still to be sent.
const closeLimit = 5 * time.Second

// Close sends what is left, for a few seconds at most, and ends the goroutine of the SDK. A nil Tracer has nothing to
// close.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the client has told what failed
}

// readsContext reports whether the context of messages is taken from their headers.
func readsContext() (bool, error) {
	names := list(os.Getenv(propagatorsVariable))
	if len(names) == 0 || slices.Contains(names, "tracecontext") {
		return true, nil
	}
	if slices.Equal(names, []string{"none"}) || slices.Equal(names, []string{"baggage"}) {
		return false, nil
	}
	return false, fmt.Errorf("%s is %q: want tracecontext, or none", propagatorsVariable, strings.Join(names, ","))
}

// list splits the value of a variable at its commas.
func list(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// sampler decides about the spans of messages as the environment says. The span of a request is begun only for calls of
// messages whose spans are recorded, and is recorded with them.
type sampler struct{ sdk.Sampler }

// ShouldSample implements sdk.Sampler.
func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if p.Kind == trace.SpanKindClient {
		return sdk.SamplingResult{Decision: sdk.RecordAndSample}
	}
	return s.Sampler.ShouldSample(p)
}

func newSampler() (sdk.Sampler, error) {
	name, arg := strings.TrimSpace(os.Getenv(samplerVariable)), strings.TrimSpace(os.Getenv(samplerArgVariable))
	ratio := 1.0
	if strings.HasSuffix(name, "traceidratio") && arg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("%s is %q: want a number from 0 to 1, such as 0.01", samplerArgVariable, arg)
		}
	}
	var root sdk.Sampler
	switch strings.TrimPrefix(name, "parentbased_") {
	case "", "always_on":
		root = sdk.AlwaysSample()
	case "always_off":
		root = sdk.NeverSample()
	case "traceidratio":
		root = sdk.TraceIDRatioBased(ratio)
	default:
		return nil, fmt.Errorf("%s is %q: want always_on, always_off, traceidratio, or one of them after parentbased_",
			samplerVariable, name)
	}
	if name == "" || strings.HasPrefix(name, "parentbased_") {
		root = sdk.ParentBased(root)
	}
	return sampler{root}, nil
}
