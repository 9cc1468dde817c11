package read

import (
	"encoding/json"
	"fmt"
	"slices"
)

// What messages and links are counted by. What an answer leaves out is zero.
var (
	messageSeries = []string{
		"attempted", "bounced", "clicked", "converted", "created", "deferred", "delivered", "drafted", "failed",
		"human_clicked", "human_opened", "link_untracked", "machine_clicked", "open_untracked", "opened",
		"prefetch_opened", "replied", "sent", "spammed", "suppressed", "topic_unsubscribed",
		"tracking_consent_denied", "tracking_consent_granted", "undeliverable", "unsubscribed", "untracked",
	}
	webhookSeries = []string{"2xx", "3xx", "4xx", "5xx"}
	linkSeries    = []string{"clicked", "human_clicked", "machine_clicked"}
)

const zero = json.Number("0")

// series are numbers by name, each with one for every bucket, the oldest first.
type series struct {
	names   map[string][]json.Number
	buckets int
}

// seriesOf finds the series of an answer, which stand under metric.series or under series.series. Those that nobody
// knows are kept.
func seriesOf(doing string, o object, known []string) (series, error) {
	s := series{names: map[string][]json.Number{}}
	found := o.inner("metric").inner("series")
	if found == nil {
		found = o.inner("series").inner("series")
	}
	if found == nil {
		found = o.inner("series")
	}
	for name, raw := range found {
		var values []json.Number // null is zero
		if json.Unmarshal(raw, &values) != nil {
			if slices.Contains(known, name) {
				return s, fmt.Errorf("%s: the series %s: %w", doing, name, errShape)
			}
			continue
		}
		if len(values) > 0 {
			s.names[name] = values
			s.buckets = max(s.buckets, len(values))
		}
	}
	for name, values := range s.names {
		if len(values) != s.buckets {
			return s, fmt.Errorf("%s: the series %s has %d values, and others have %d: %w", doing, name, len(values),
				s.buckets, errShape)
		}
	}
	for _, name := range known {
		if s.names[name] == nil {
			s.names[name] = make([]json.Number, s.buckets)
		}
	}
	return s, nil
}

// bucket gives all series of one bucket.
func (s series) bucket(i int) map[string]json.Number {
	all := make(map[string]json.Number, len(s.names))
	for name, values := range s.names {
		all[name] = values[i]
		if values[i] == "" {
			all[name] = zero
		}
	}
	return all
}
