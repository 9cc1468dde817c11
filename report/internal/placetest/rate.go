package placetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// Rate measures how many rows of 300 bytes a target takes in a second, in groups of 500.
func Rate(b *testing.B, target report.Target) {
	filler := strings.Repeat("x", 240)
	var group []cloudevent.Event
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		e := Event(fmt.Sprint("row ", n), fmt.Sprint("person/", n))
		e.Data = map[string]any{"object": e.Subject, "row": map[string]any{"text": filler}}
		if group = append(group, e); len(group) < 500 {
			continue
		}
		if err := target.Publish(b.Context(), group); err != nil {
			b.Fatal(err)
		}
		group = group[:0]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
