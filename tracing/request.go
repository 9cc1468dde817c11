package tracing

import (
	"context"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// Requested begins the span of a request that carries calls of recorded messages, with a link to the span of each. The
// root is that of the API that is asked. What it returns ends the span with the answer; it is nil where no message of
// the calls is recorded.
func (t *Tracer) Requested(
	calls []event.Call, workspace, root string, r customerio.Request,
) func(customerio.Answer) {
	var messages []*span
	var links []trace.Link
	for i := range calls {
		s := t.open.of(calls[i].Trace)
		// The calls of a message stand behind each other, mostly.
		if s == nil || len(messages) > 0 && messages[len(messages)-1] == s {
			continue
		}
		messages = append(messages, s)
		links = append(links, trace.Link{SpanContext: s.SpanContext()})
	}
	if len(messages) == 0 {
		return nil
	}
	name := r.Method
	if r.Path == customerio.BatchPath {
		name += " " + r.Path
	}
	_, request := t.tracer.Start(context.Background(), name, trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...))
	request.SetAttributes(requestAttributes(workspace, root, r)...)
	request.SetAttributes(callsKey.Int(len(calls)))
	for _, s := range messages {
		s.AddLink(trace.Link{SpanContext: request.SpanContext()})
	}
	return func(answer customerio.Answer) { finish(request, answer) }
}

// requestAttributes are those of the semantic conventions for clients of HTTP. A path other than that of batches may
// name a person, and is left out.
func requestAttributes(workspace, root string, r customerio.Request) []attribute.KeyValue {
	size := 0
	for _, part := range r.Body {
		size += len(part)
	}
	list := []attribute.KeyValue{
		attribute.String("http.request.method", r.Method),
		attribute.Int("http.request.body.size", size),
		attribute.String("ciobridge.endpoint", r.Endpoint.String()),
	}
	if workspace != "" {
		list = append(list, attribute.String("ciobridge.workspace", workspace))
	}
	if u, err := url.Parse(root); err == nil {
		list = append(list, attribute.String("url.scheme", u.Scheme), attribute.String("server.address", u.Hostname()))
		if port := portOf(u); port != 0 {
			list = append(list, attribute.Int("server.port", port))
		}
		if r.Path == customerio.BatchPath {
			list = append(list, attribute.String("url.full", u.Redacted()+r.Path),
				attribute.String("url.template", r.Path))
		}
	}
	return list
}

func portOf(u *url.URL) int {
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	switch u.Scheme {
	case "https":
		return 443
	case "http":
		return 80
	}
	return 0
}

// finish ends the span of a request. What the server wrote stays out.
func finish(request trace.Span, answer customerio.Answer) {
	if answer.Status != 0 {
		request.SetAttributes(attribute.Int("http.response.status_code", answer.Status))
	}
	kind := string(answer.Cause)
	switch {
	case answer.Withheld:
		kind = "withheld"
	case answer.Status >= 400:
		kind = strconv.Itoa(answer.Status)
	}
	if kind != "" {
		request.SetAttributes(attribute.String("error.type", kind))
		request.SetStatus(codes.Error, string(answer.Cause))
	}
	request.End()
}
