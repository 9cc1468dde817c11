package app

import (
	"maps"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// series are the metrics that a report has.
var series = []string{
	"attempted", "bounced", "clicked", "converted", "created", "deferred", "delivered", "drafted", "failed",
	"human_clicked", "human_opened", "link_untracked", "machine_clicked", "open_untracked", "opened",
	"prefetch_opened", "replied", "sent", "spammed", "suppressed", "topic_unsubscribed", "tracking_consent_denied",
	"tracking_consent_granted", "undeliverable", "unsubscribed", "untracked",
}

// seriesOf are those of a kind of source, with those that only some have.
func (q *query) seriesOf(kind string) []string {
	names := series
	if kind == "broadcast" {
		names = append(slices.Clone(names), "prefetch_clicked")
	}
	if q.values.Get("type") == "webhook" {
		names = append(slices.Clone(names), "2xx", "3xx", "4xx", "5xx")
	}
	return names
}

// metrics reports on the deliveries of a source. What becomes of a delivery is counted where the delivery came to be,
// as the real service does, so that the numbers of a step go on changing after it has ended.
func (q *query) metrics(source string) exchange.Answer {
	kind, _, _ := strings.Cut(source, ":")
	w, wrong := q.window(kind)
	if wrong.Status != 0 {
		return wrong
	}
	times := map[string][]int64{}
	for _, m := range q.w.Deliveries() {
		if kind := q.values.Get("type"); !of(m, source) || kind != "" && kind != channelOf(m) {
			continue
		}
		for metric := range m.Metrics {
			times[metric] = append(times[metric], m.At)
		}
	}
	all := object{}
	for _, metric := range q.seriesOf(kind) {
		all[metric] = w.count(times[metric])
	}
	return ok(object{
		"metric": object{"series": all}, "res": w.name, "start": w.edge(0), "end": w.edge(len(w.bounds) - 1),
	})
}

// links reports on the clicks of a source's deliveries by the address that was clicked. With unique, a delivery counts
// once for an address.
func (q *query) links(source string) exchange.Answer {
	kind, _, _ := strings.Cut(source, ":")
	w, wrong := q.window(kind)
	if wrong.Status != 0 {
		return wrong
	}
	clicks := map[string]map[string][]int64{}
	for _, m := range q.w.Deliveries() {
		if !of(m, source) {
			continue
		}
		seen := map[string]bool{}
		for _, c := range m.Clicks {
			if clicks[c.Href] == nil {
				clicks[c.Href] = map[string][]int64{}
			}
			who := "human_clicked"
			if c.Machine {
				who = "machine_clicked"
			}
			for _, metric := range []string{"clicked", who} {
				if q.values.Get("unique") != "true" || !seen[metric+c.Href] {
					clicks[c.Href][metric] = append(clicks[c.Href][metric], m.At)
				}
				seen[metric+c.Href] = true
			}
		}
	}
	links := []object{}
	for i, href := range slices.Sorted(maps.Keys(clicks)) {
		all := object{}
		for _, metric := range []string{"clicked", "human_clicked", "machine_clicked"} {
			all[metric] = w.count(clicks[href][metric])
		}
		links = append(links, object{
			"link": object{"id": i + 1, "href": href}, "metric": object{"series": all},
		})
	}
	return ok(object{"links": links})
}

// journeyMetrics reports on the people in a campaign. A delivery of it is a journey of one message: it begins with it,
// and has ended when the message was sent.
func journeyMetrics(q *query, _ workspace.Record) exchange.Answer {
	w, wrong := q.between("resolution")
	if wrong.Status != 0 {
		return wrong
	}
	times := map[string][]int64{}
	for _, m := range q.w.Deliveries() {
		if !of(m, source("campaigns", q.args[0])) {
			continue
		}
		times["started"] = append(times["started"], m.At)
		for metric, step := range map[string]string{"sent": "messaged", "converted": "converted"} {
			if _, reached := m.Metrics[metric]; reached {
				times[step] = append(times[step], m.At)
			}
		}
	}
	times["activated"], times["finished"] = times["started"], times["messaged"]
	all := object{}
	for _, step := range []string{
		"started", "activated", "messaged", "finished", "exited_early", "converted", "never_activated",
	} {
		all[step] = w.count(times[step])
	}
	return ok(object{"journey_metric": all})
}

// source names what a path is about, as deliveries name what they are of.
func source(kind, id string) string { return strings.TrimSuffix(kind, "s") + ":" + id }
