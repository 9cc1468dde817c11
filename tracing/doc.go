// Package tracing tells OpenTelemetry what becomes of messages, where the standard environment variables ask for it.
//
// [Start] reads the variables. Where they ask for nothing it returns nil, and nothing of this package stands in the way
// of a message: no stage knows it, and the delivery has one nil check a request.
//
// Where traces are on, the package stands around three stages. [Tracer.Source] begins a span when a message is handed
// over, in the trace that its headers name, and ends it when the message is done. [Tracer.Mapper] notes which rules
// made calls of it, and gives them the number of the message's span. [Tracer.DeadLetters] notes what failed. The
// delivery calls [Tracer.Requested] before each request: a request that carries calls of recorded messages has a span
// of its own, with a link to each of those messages' spans, which have one back.
//
// Nothing personal is in a span: no key, no header, no id of a person, and no path that may name one. What stands there
// is listed in docs/tracing.md.
//
// The spans are batched and sent by the SDK's one goroutine, which Close waits for, over the client of this package:
// OTLP over HTTP in protobuf. The SDK's own client would link gRPC, which is half as large as the bridge. An outage of
// the collector costs spans, and never holds a message up. The table of open spans and each span have a lock, which is
// held for no more than a look or a note. Begin reading with [Start].
package tracing
