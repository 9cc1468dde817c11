package read

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// exportPeople has the people exported whom a report is about.
func exportPeople(ctx context.Context, j *job) error {
	filter, err := j.filter(ctx)
	if err != nil {
		return err
	}
	order := map[string]any{"filters": filter}
	if j.params.Attributes != nil {
		order["attributes"] = j.params.Attributes
	}
	body, err := canonical(order)
	if err != nil {
		return err
	}
	return j.export(ctx, newOrder("customers", body, j.now(), "person", "cio_id", "id", "customer_id", "email"))
}

// parents are what deliveries can be of, and the members that name one.
var parents = map[string]string{
	"campaign": "campaign_id", "newsletter": "newsletter_id", "transactional": "transactional_message_id",
	"action": "action_id",
}

// deliveryHistory is how far back deliveries are exported.
const deliveryHistory = 365 * day

// metricsOf are what can have become of a delivery.
var metricsOf = append([]string{"dropped"}, messageSeries...)

// checkDeliveries looks at which deliveries a report is about.
func checkDeliveries(p report.Params, l *mistake.List) {
	known := slices.Sorted(maps.Keys(parents))
	switch {
	case len(p.Of) == 0:
		l.Add(at("params.of"), "is missing: give one of %s with its id, such as {campaign: 7}", choice.And(known))
	case len(p.Of) > 1:
		l.Add(at("params.of"), "names %d things: an export is about one", len(p.Of))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Of)) {
		if parents[name] == "" {
			l.Add(at("params.of."+name), "is not known%s: give %s", choice.Near(name, known), choice.List(known))
		} else if n, err := strconv.ParseInt(p.Of[name], 10, 64); err != nil || n < 1 {
			l.Add(at("params.of."+name), "%q is no id, which is a whole number from 1 on", p.Of[name])
		}
	}
	checkTexts("attributes", p.Attributes, l)
	oneOf("metric", p.Metric, metricsOf, l)
	checkSince(p.Since, deliveryHistory, l)
}

// exportDeliveries has the deliveries exported that were made since the last run.
func exportDeliveries(ctx context.Context, j *job) error {
	w := j.since(deliveryHistory)
	if earliest := j.At.Add(-deliveryHistory); w.Start.Before(earliest.Truncate(time.Second)) {
		return retry.Permanent(&ReachError{"export the deliveries", earliest})
	}
	order := map[string]any{"start": w.Start.Unix(), "end": w.End.Unix()}
	for name, id := range j.params.Of {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return err
		}
		order[parents[name]] = n
	}
	if j.params.Attributes != nil {
		order["attributes"] = j.params.Attributes
	}
	if j.params.Metric != "" {
		order["metric"] = j.params.Metric
	}
	if j.params.Drafts {
		order["drafts"] = true
	}
	body, err := canonical(order)
	if err != nil {
		return err
	}
	o := newOrder("deliveries", body, w, "delivery", "delivery_id", "id")
	o.made = []string{"created", "created_at"}
	return j.export(ctx, o)
}
