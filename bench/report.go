package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
)

// report collects what was measured.
type report struct {
	Broker   string   `json:"broker"`
	CPUs     int      `json:"cpus"`
	Go       string   `json:"go"`
	Rows     []row    `json:"rows"`
	Programs []result `json:"programs"` // medians of the runs
	Runs     []result `json:"runs"`

	Comparisons []comparison `json:"comparisons,omitempty"` // with another build, where one was named

	mu sync.Mutex
}

// result is what one run of one program gave, or the medians of several.
type result struct {
	Group           string  `json:"group"`
	Source          string  `json:"source"`
	Size            int     `json:"event_bytes"`
	Program         string  `json:"program"`
	EventsPerSecond float64 `json:"events_per_second"`
	CPUPerMillion   float64 `json:"cpu_seconds_per_million_events"`
	// without what it took until the first request
	CPUOnceRunning  float64 `json:"cpu_seconds_per_million_events_once_running"`
	Requests        float64 `json:"requests"`
	ItemsPerRequest float64 `json:"items_per_request"`
	Fill            float64 `json:"fill"`                // of the items that fit a request by its limits
	PeakRSS         float64 `json:"peak_rss_bytes"`      // 0 where it cannot be read
	FirstRequest    float64 `json:"first_request_after"` // seconds from the start of the program
	Hung            float64 `json:"requests_left_hanging"`
}

func newReport(p *plan) *report {
	broker := "Kafka in memory"
	if p.brokers != "" {
		broker = "Kafka at " + p.brokers
	}
	return &report{Broker: broker, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

func (r *report) addRow(group, what, figures string, w row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Group, w.What, w.Figures = group, what, figures
	r.Rows = append(r.Rows, w)
}

// addRuns notes the runs of one program and returns their medians.
func (r *report) addRuns(runs ...result) result {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := medians(runs)
	r.Runs = append(r.Runs, runs...)
	r.Programs = append(r.Programs, m)
	return m
}

// medians takes the median of each figure by itself.
func medians(runs []result) result {
	of := func(figure func(result) float64) float64 {
		sorted := slices.SortedFunc(slices.Values(runs), func(a,
			b result) int {
			return cmp.Compare(figure(a), figure(b))
		})
		return (figure(sorted[(len(sorted)-1)/2]) + figure(sorted[len(sorted)/2])) / 2
	}
	m := runs[0]
	m.EventsPerSecond = of(func(r result) float64 { return r.EventsPerSecond })
	m.CPUPerMillion = of(func(r result) float64 { return r.CPUPerMillion })
	m.CPUOnceRunning = of(func(r result) float64 { return r.CPUOnceRunning })
	m.Requests = of(func(r result) float64 { return r.Requests })
	m.ItemsPerRequest = of(func(r result) float64 { return r.ItemsPerRequest })
	m.Fill = of(func(r result) float64 { return r.Fill })
	m.PeakRSS = of(func(r result) float64 { return r.PeakRSS })
	m.FirstRequest = of(func(r result) float64 { return r.FirstRequest })
	m.Hung = of(func(r result) float64 { return r.Hung })
	return m
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d CPUs, %s. Every run behind these figures was checked: "+
		"each event arrived once, in order, and was committed.\n\n",
		r.Broker, r.CPUs, r.Go)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\twhat\tmeasured\ttarget\t\tfigures")
	for _, x := range r.Rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", x.Group, x.What, x.Unit.format(x.Measured), x.target(),
			x.verdict(), x.Figures)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if err := r.writeComparisons(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nThe programs behind them; CPU is that of the program alone.")
	tw = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "row\tsource\tevent\tprogram\tevents/s\tCPU µs/event\titems/request\tfill\tpeak RSS\tfirst "+
		"request\t")
	for _, m := range r.Programs {
		fmt.Fprintf(tw, "%s\t%s\t%d B\t%s\t%.0f\t%.2f\t%.0f\t%.0f %%\t%.1f MiB\t%.2f s\t\n", m.Group, m.Source,
			m.Size, m.Program,
			m.EventsPerSecond, m.CPUPerMillion, m.ItemsPerRequest, 100*m.Fill, m.PeakRSS/(1<<20), m.FirstRequest)
	}
	return tw.Flush()
}
