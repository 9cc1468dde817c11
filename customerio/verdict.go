package customerio

import "net/http"

// Verdict is what an answer means for the calls of its request.
type Verdict uint8

const (
	// Retry means that nothing is known or nothing was done; the same calls may succeed later. It is the zero value, so
	// that what is forgotten is done again.
	Retry Verdict = iota
	// Accepted means that the calls were taken, but for those that the body refuses by their place.
	Accepted
	// Refused means that this one call was refused and would be again.
	Refused
	// Split means that something in the request is refused; smaller requests will show what.
	Split
	// Halt means that credentials, region or path are wrong, so no request can succeed until somebody mends that.
	Halt
)

// String is the verdict's name as a metric's label.
func (v Verdict) String() string {
	return [...]string{Retry: "retry", Accepted: "accepted", Refused: "refused", Split: "split", Halt: "halt"}[v]
}

// VerdictOf says what an answer means. It is the only place that decides so. The status is 0 where no answer came; many
// says whether the request carried more than one call.
func VerdictOf(endpoint Endpoint, status int, many bool, said ErrorBody) Verdict {
	if causeOfStatus(endpoint, status).Halts() {
		return Halt
	}
	switch {
	case status/100 == 2:
		return verdictOfSuccess(status, many, said)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Retry
	case status/100 == 4 && many:
		return Split
	case status/100 == 4:
		return Refused
	}
	return Retry
}

// verdictOfSuccess reads the body of a 2xx: a captive portal's page must not count as delivered, and a 200 may list
// refusals just as a 207 does.
func verdictOfSuccess(status int, many bool, said ErrorBody) Verdict {
	switch said.Shape {
	case ShapeEmpty:
		if status == http.StatusOK || status == http.StatusNoContent {
			return Accepted
		}
	case ShapeClean:
		return Accepted
	case ShapeListed:
		if many || len(said.Refusals) == 0 {
			return Accepted
		}
		return Refused
	case ShapeWhole:
		if !many {
			return Refused
		}
	}
	return Retry
}
