package emulator

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// misbehave lets a request meet a fault.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, x *exchange, f Fault) {
	if f.Refuse != "" {
		x.refuseCalls(f)
	}
	ends := f.Status != 0 || f.Hang != "" || f.Reset
	v := verdict{status: x.answer.status, fault: f.Name}
	if ends {
		v.status = f.Status
	}
	if ends && !f.Applied {
		v.dropped = "fault " + f.Name
	}
	settled := ends || f.Applied
	if settled {
		s.settle(x, v)
	}
	if !wait(r.Context(), f.Latency) {
		if !settled {
			s.settle(x, verdict{fault: f.Name, dropped: "the client did not wait"})
		}
		panic(http.ErrAbortHandler)
	}
	if !settled {
		s.settle(x, v)
	}
	switch {
	case f.Hang != "":
		hang(w, r, f.Hang == "body")
	case f.Reset:
		reset(w)
	case f.Status != 0:
		answerOf(f).send(w)
	default:
		x.answer.send(w)
	}
}

// refuseCalls makes the server find fault with calls that are right. The message quotes who it is about, as messages
// of servers do.
func (x *exchange) refuseCalls(f Fault) {
	for i := range x.calls {
		if c := &x.calls[i]; f.Item == i+1 || f.Item == 0 && matchesCall(&f, c) {
			c.refuse(f.Refuse, "identifiers", "refused by the fault "+f.Name+" for "+c.who.String())
		}
	}
	switch {
	case x.path == batchPath:
		x.answerBatch()
	case x.path == entityPath:
		x.answer = newProblem(http.StatusBadRequest, x.calls[0].problems...)
	case len(x.calls[0].problems) > 0:
		x.answer = oldProblem(http.StatusBadRequest, x.calls[0].problems[0].sentence())
	}
}

// answerOf is the response that the fault prescribes.
func answerOf(f Fault) answer {
	a := answer{status: f.Status, body: f.Body, header: http.Header{}}
	if a.body == "" {
		a.body = success.body
	}
	if strings.HasPrefix(a.body, "<") {
		a.header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if f.Location != "" {
		a.header.Set("Location", f.Location)
	}
	if d, ok := strings.CutPrefix(f.RetryAfter, "date+"); ok {
		after, _ := time.ParseDuration(d) // was read when the fault was added
		a.header.Set("Retry-After", time.Now().Add(after).UTC().Format(http.TimeFormat))
	} else if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	return a
}

// wait reports whether the time has passed before the client went away.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hang holds the client until it gives up. In the body it has seen a 200 and half an answer by then.
func hang(w http.ResponseWriter, r *http.Request, inBody bool) {
	if inBody {
		const half = `{"errors":[`
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(2*len(half)))
		w.WriteHeader(http.StatusOK)
		w.Write([]byte(half))
		http.NewResponseController(w).Flush()
	}
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// reset breaks the connection: with a TCP reset where there is TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
