package main

import "fmt"

// row is a line of the report's table: one figure, and the target that it is held against. Without a target it is
// there to be compared.
type row struct {
	Group    string  `json:"group"` // the name that -rows takes
	What     string  `json:"what"`
	Measured float64 `json:"measured"`
	Target   float64 `json:"target,omitempty"`
	Unit     unit    `json:"unit"`
	AtLeast  bool    `json:"at_least"` // the target is a least; otherwise it is a most
	Met      *bool   `json:"met,omitempty"`
	Figures  string  `json:"figures"` // what the measured figure was made of, in words
}

// unit says how a figure is written.
type unit string

const (
	times   unit = "×"
	percent unit = "%"
	mebi    unit = "MiB"
	mega    unit = "MB"
	millis  unit = "ms"
	seconds unit = "s"

	micros    unit = "µs"
	perSecond unit = "/s"
)

func (u unit) format(v float64) string {
	switch u {
	case times, seconds:
		return fmt.Sprintf("%.2f %s", v, string(u))
	case perSecond:
		return fmt.Sprintf("%.0f %s", v, string(u))
	default:
		return fmt.Sprintf("%.1f %s", v, string(u))
	}
}

// atMost holds a figure against the most that it should be.
func atMost(measured, target float64, u unit) row {
	return row{Measured: measured, Target: target, Unit: u, Met: new(measured <= target)}
}

// atLeast holds a figure against the least that it should be.
func atLeast(measured, target float64, u unit) row {
	return row{Measured: measured, Target: target, Unit: u, AtLeast: true, Met: new(measured >= target)}
}

// untargeted is a figure without a target.
func untargeted(measured float64, u unit) row { return row{Measured: measured, Unit: u} }

func (r row) target() string {
	if r.Met == nil {
		return ""
	}
	if r.AtLeast {
		return "≥ " + r.Unit.format(r.Target)
	}
	return "≤ " + r.Unit.format(r.Target)
}

func (r row) verdict() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return "met"
	}
	return "NOT met"
}
