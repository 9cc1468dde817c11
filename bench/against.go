package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// otherBridge is the bridge that path names: a program, or a checkout, from which one is built as this one's is.
func otherBridge(ctx context.Context, path, binary string) (bridgeProgram, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return bridgeProgram{}, fmt.Errorf("-against: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return bridgeProgram{}, fmt.Errorf("-against: %w", err)
	}
	if !info.IsDir() {
		return bridgeProgram{binary: path, label: programBridge}, nil
	}
	b, err := buildBridge(ctx, path, binary)
	if err != nil {
		return b, fmt.Errorf("-against %s: %w", path, err)
	}
	return b, nil
}

// turn is a trial in a round of trials.
type turn struct {
	trial
	other bool // the trial before it, repeated with the other build
}

// withOtherBuild repeats each trial of the bridge with the other build, where there is one.
func (b *bench) withOtherBuild(trials []trial) []turn {
	var all []turn
	for _, t := range trials {
		all = append(all, turn{trial: t})
		if b.against == nil {
			continue
		}
		repeated := t
		repeated.programs = nil
		for _, p := range t.programs {
			if bridge, ok := p.(bridgeProgram); ok {
				repeated.programs = append(repeated.programs,
					b.against.with(bridge.label+", other build", bridge.settings))
			}
		}
		if len(repeated.programs) > 0 {
			all = append(all, turn{trial: repeated, other: true})
		}
	}
	return all
}

// comparison holds the medians of this build beside those of the other, measured in turns.
type comparison struct {
	This  result `json:"this"`
	Other result `json:"other"`
}

func (r *report) addComparison(this, other result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Comparisons = append(r.Comparisons, comparison{This: this, Other: other})
}

// writeComparisons writes the table of both builds, where there are two. The ratios are this build's share of the
// other's.
func (r *report) writeComparisons(w io.Writer) error {
	if len(r.Comparisons) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nThis build and the other, in turns: medians of each, and this build's as a part of the other's.")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "row\tsource\tevent\tprogram\tCPU µs/event\tother\tratio\tonce running\tother\tratio"+
		"\tevents/s\tother\tratio\tpeak RSS\tother\tratio\t")
	for _, c := range r.Comparisons {
		fmt.Fprintf(tw, "%s\t%s\t%d B\t%s", c.This.Group, c.This.Source, c.This.Size, c.This.Program)
		for _, f := range []struct {
			format string
			of     func(result) float64
		}{
			{"%.2f", func(x result) float64 { return x.CPUPerMillion }},
			{"%.2f", func(x result) float64 { return x.CPUOnceRunning }},
			{"%.0f", func(x result) float64 { return x.EventsPerSecond }},
			{"%.1f MiB", func(x result) float64 { return x.PeakRSS / (1 << 20) }},
		} {
			this, other := f.of(c.This), f.of(c.Other)
			fmt.Fprintf(tw, "\t"+f.format+"\t"+f.format+"\t%.3f", this, other, this/other)
		}
		fmt.Fprintln(tw, "\t")
	}
	return tw.Flush()
}
