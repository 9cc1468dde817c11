package tracing

import (
	"strings"

	"github.com/ciobridge/ciobridge/event"
)

// headers are those of a message, as a propagator reads them. CloudEvents name theirs with a prefix.
type headers struct{ list []event.Header }

var prefixes = []string{"", "ce_", "ce-"}

// Get implements propagation.TextMapCarrier.
func (h headers) Get(key string) string {
	for _, prefix := range prefixes {
		for _, header := range h.list {
			if len(header.Key) == len(prefix)+len(key) && strings.EqualFold(header.Key[:len(prefix)], prefix) &&
				strings.EqualFold(header.Key[len(prefix):], key) {
				return string(header.Value)
			}
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier. Nothing is written.
func (headers) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (headers) Keys() []string { return nil }
