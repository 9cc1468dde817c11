package emulator

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
)

// misbehave lets a request meet a fault.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, f Fault) {
	if f.Refuse != "" {
		refuseCalls(x, f)
	}
	ends := f.Status != 0 || f.Hang != "" || f.Reset
	v := verdict{status: x.Answer.Status, fault: f.Name, ends: ends}
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
		answerOf(f).Send(w)
	case f.Break != 0:
		x.Answer.Send(&breaking{w, f.Break})
	default:
		x.Answer.Send(w)
	}
}

// refuseCalls makes the server find fault with calls that are right. The message quotes who it is about, as messages
// of servers do.
func refuseCalls(x *exchange.Exchange, f Fault) {
	for i := range x.Calls {
		if c := &x.Calls[i]; f.Item == i+1 || f.Item == 0 && matchesCall(&f, c) {
			c.Refuse(f.Refuse, "identifiers", "refused by the fault "+f.Name+" for "+c.Who.String())
		}
	}
	apis[x.API].refused(x)
}

// answerOf is the response that the fault prescribes.
func answerOf(f Fault) exchange.Answer {
	a := exchange.Answer{Status: f.Status, Body: f.Body, Header: http.Header{}}
	if a.Body == "" {
		a.Body = exchange.Success.Body
	}
	if strings.HasPrefix(a.Body, "<") {
		a.Header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if f.Location != "" {
		a.Header.Set("Location", f.Location)
	}
	if d, ok := strings.CutPrefix(f.RetryAfter, "date+"); ok {
		after, _ := time.ParseDuration(d) // was read when the fault was added
		a.Header.Set("Retry-After", time.Now().Add(after).UTC().Format(http.TimeFormat))
	} else if f.RetryAfter != "" {
		a.Header.Set("Retry-After", f.RetryAfter)
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

// breaking breaks the connection off when so many bytes of the body are written.
type breaking struct {
	http.ResponseWriter
	left int64
}

func (b *breaking) Write(p []byte) (int, error) {
	if int64(len(p)) < b.left {
		b.left -= int64(len(p))
		return b.ResponseWriter.Write(p)
	}
	b.ResponseWriter.Write(p[:b.left])
	http.NewResponseController(b.ResponseWriter).Flush()
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
