package exchange

import (
	"io"
	"net/http"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Answer is an HTTP response.
type Answer struct {
	Status int
	Body   string
	Header http.Header
	Stream func(io.Writer) error // writes the body in place of Body; nothing else is held meanwhile
}

// Success is the answer of Track and Pipelines to what they take.
var Success = Answer{Status: http.StatusOK, Body: "{}\n"}

// Send writes the answer.
func (a Answer) Send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")
	h.Set("X-Content-Type-Options", "nosniff")
	for k, v := range a.Header {
		h[k] = v
	}
	if a.Status == http.StatusNoContent {
		h.Del("Content-Type")
		w.WriteHeader(a.Status)
		return
	}
	if a.Stream == nil {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	// an error means that the client is gone: its receipt is written, and nobody is left to tell
	if a.Stream == nil {
		io.WriteString(w, a.Body)
	} else {
		_ = a.Stream(w)
	}
}

// Meta is an error in the form of Track v1, of Pipelines and of transactional messages: {"meta":{"error":…}}.
func Meta(status int, message string) Answer {
	b := append([]byte(nil), `{"meta":{"error":`...)
	return Answer{Status: status, Body: string(append(jsondoc.AppendString(b, message), "}}\n"...))}
}

// Problems is an error of a whole request in the form of Track v2: {"errors":[{"reason":…,"field":…,"message":…}]}.
func Problems(status int, problems ...workspace.Problem) Answer {
	b := append([]byte(nil), `{"errors":[`...)
	for i, p := range problems {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = AppendProblem(b, p)
	}
	return Answer{Status: status, Body: string(append(b, "]}\n"...))}
}

// AppendProblem appends the members of one error of Track v2, and the brace after them.
func AppendProblem(b []byte, p workspace.Problem) []byte {
	b = jsondoc.AppendString(append(b, `"reason":`...), p.Reason)
	b = jsondoc.AppendString(append(b, `,"field":`...), p.Field)
	b = jsondoc.AppendString(append(b, `,"message":`...), p.Message)
	return append(b, '}')
}
