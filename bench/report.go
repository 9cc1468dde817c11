package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
)

// report collects the runs and prints their medians, and the ratio of the bridge to the ceiling.
type report struct {
	Events  int      `json:"events"`
	Persons int      `json:"persons"`
	Latency string   `json:"latency"`
	CPUs    int      `json:"cpus"`
	Go      string   `json:"go"`
	Medians []result `json:"medians"`
	Ratios  []ratio  `json:"ratios,omitempty"`
	Runs    []result `json:"runs"`
}

// ratio is the bridge's figure over the ceiling's.
type ratio struct {
	Source          string  `json:"source"`
	Size            int     `json:"event_bytes"`
	EventsPerSecond float64 `json:"events_per_second"`
	CPUPerMillion   float64 `json:"cpu_seconds_per_million_events"`
	ItemsPerRequest float64 `json:"items_per_request"`
	PeakRSS         float64 `json:"peak_rss_bytes,omitempty"`
}

func newReport(p *plan) *report {
	return &report{Events: p.events, Persons: p.persons, Latency: p.latency.String(), CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

func (r *report) add(res result) { r.Runs = append(r.Runs, res) }

// summarise fills Medians and Ratios from the runs, in the order in which source, size and program first ran.
func (r *report) summarise() {
	type key struct {
		source, program string
		size            int
	}
	groups := map[key][]result{}
	for _, res := range r.Runs {
		k := key{res.Source, res.Program, res.Size}
		if groups[k] = append(groups[k], res); len(groups[k]) == 1 {
			r.Medians = append(r.Medians, res)
		}
	}
	for i, m := range r.Medians {
		r.Medians[i] = medians(groups[key{m.Source, m.Program, m.Size}])
	}
	for _, c := range r.Medians {
		b, ok := groups[key{c.Source, programBridge, c.Size}]
		if c.Program != programCeiling || !ok {
			continue
		}
		m := medians(b)
		q := ratio{
			Source: c.Source, Size: c.Size, EventsPerSecond: m.EventsPerSecond / c.EventsPerSecond,
			CPUPerMillion: m.CPUPerMillion / c.CPUPerMillion, ItemsPerRequest: m.ItemsPerRequest / c.ItemsPerRequest,
		}
		if c.PeakRSS > 0 {
			q.PeakRSS = m.PeakRSS / c.PeakRSS
		}
		r.Ratios = append(r.Ratios, q)
	}
}

// medians takes the median of each figure by itself.
func medians(runs []result) result {
	of := func(figure func(result) float64) float64 {
		sorted := slices.SortedFunc(slices.Values(runs), func(a, b result) int { return cmp.Compare(figure(a), figure(b)) })
		return (figure(sorted[(len(sorted)-1)/2]) + figure(sorted[len(sorted)/2])) / 2
	}
	m := runs[0]
	m.EventsPerSecond = of(func(r result) float64 { return r.EventsPerSecond })
	m.CPUPerMillion = of(func(r result) float64 { return r.CPUPerMillion })
	m.Requests = of(func(r result) float64 { return r.Requests })
	m.ItemsPerRequest = of(func(r result) float64 { return r.ItemsPerRequest })
	m.Fill = of(func(r result) float64 { return r.Fill })
	m.PeakRSS = of(func(r result) float64 { return r.PeakRSS })
	m.FirstRequest = of(func(r result) float64 { return r.FirstRequest })
	return m
}

func (r *report) writeJSON(w io.Writer) error {
	r.summarise()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	r.summarise()
	fmt.Fprintf(w, "%d events of %d persons a run, sink latency %s, %d CPUs, %s. Medians; CPU is that of the program alone.\n\n",
		r.Events, r.Persons, r.Latency, r.CPUs, r.Go)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "source\tevent\tprogram\tevents/s\tCPU s/million\trequests\titems/request\tfill\tpeak RSS\tfirst request\t")
	for _, m := range r.Medians {
		fmt.Fprintf(tw, "%s\t%d B\t%s\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f %%\t%.1f MiB\t%.2f s\t\n", m.Source, m.Size, m.Program,
			m.EventsPerSecond, m.CPUPerMillion, m.Requests, m.ItemsPerRequest, 100*m.Fill, m.PeakRSS/(1<<20), m.FirstRequest)
	}
	for _, q := range r.Ratios {
		fmt.Fprintf(tw, "%s\t%d B\tbridge / ceiling\t%.2f x\t%.2f x\t\t%.2f x\t\t%.2f x\t\t\n",
			q.Source, q.Size, q.EventsPerSecond, q.CPUPerMillion, q.ItemsPerRequest, q.PeakRSS)
	}
	return tw.Flush()
}
