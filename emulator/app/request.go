package app

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// endpoint is how one endpoint of the API works.
type endpoint struct {
	kind, action string                         // of its call, for an endpoint that changes something
	pace         exchange.Pace                  // generalPace where it is zero
	limit        int                            // of the body in bytes; maxBody where it is zero
	form         bool                           // the body is multipart/form-data
	check        func(q *query)                 // judges what can be judged without the workspace
	serve        func(q *query) exchange.Answer // makes the answer
}

// The documented rates.
var (
	generalPace   = exchange.Pace{Name: "app", Requests: 10, Per: time.Second}
	sendPace      = exchange.Pace{Name: "transactional", Requests: 100, Per: time.Second}
	broadcastPace = exchange.Pace{Name: "broadcast", Requests: 1, Per: 10 * time.Second}
	archivePace   = exchange.Pace{Name: "archived messages", Requests: 100, Per: 24 * time.Hour}
)

// maxBody bounds the requests whose size is not documented.
const maxBody = 5_000_000

// Read finds out what a request asks for. It changes nothing outside the exchange. Authentic reports whether the
// request carries the workspace's App API key.
func Read(x *exchange.Exchange, r *http.Request, authentic bool) {
	segments := x.Segments
	if len(segments) > 1 && segments[0] == "v1" && segments[1] == "api" { // where the API was before it had this name
		segments = append([]string{"v1"}, segments[2:]...)
	}
	e, args, known, found := exchange.Find(routes(), x.Method, segments)
	limit := e.limit
	if limit == 0 {
		limit = maxBody
	}
	whole, err := x.ReadBody(r, limit)
	switch contentType := r.Header.Get("Content-Type"); {
	case !known:
		x.Refuse(Error(http.StatusNotFound, "not found: the App API of this emulator has no path "+x.Path),
			"no such path")
	case !found:
		x.Refuse(Error(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
	case !authentic:
		x.Refuse(Error(http.StatusUnauthorized, "unauthorized"), "wrong credentials")
	case err != nil:
		x.Refuse(Error(http.StatusBadRequest, "bad request"), "the body could not be read: "+err.Error())
	case !whole:
		why := "body cannot be longer than " + strconv.Itoa(limit) + " bytes"
		x.Refuse(Error(http.StatusRequestEntityTooLarge, why), why)
	case x.Body != "" && !e.form && !exchange.JSON(contentType):
		x.Refuse(Error(http.StatusBadRequest, "the Content-Type must be application/json"), "content type")
	default:
		x.Pace = e.pace
		if x.Pace == (exchange.Pace{}) {
			x.Pace = generalPace
		}
		ask(x, e, args, r)
	}
}

// ask makes the query, and the exchange's only call where something is to be changed.
func ask(x *exchange.Exchange, e endpoint, args []string, r *http.Request) {
	raw := x.Body
	if e.form {
		raw = "" // it is no JSON, which is what receipts hold
	}
	c := workspace.NewCall(raw)
	q := &query{
		c: &c, args: args, raw: x.Body, contentType: r.Header.Get("Content-Type"), base: "http://" + r.Host,
	}
	if r.TLS != nil || r.URL.Scheme == "https" { // which a request over Transport has
		q.base = "https://" + r.Host
	}
	q.c.Type, q.c.Action = e.kind, e.action
	var err error
	if q.values, err = url.ParseQuery(x.Query); err != nil {
		q.refuse("the query is malformed")
	}
	if x.Body != "" && !e.form {
		q.body, err = decode(x.Body)
		if err != nil {
			q.c.Raw = ""
			q.refuse("body must be valid JSON: " + err.Error())
		}
	}
	if e.check != nil && len(q.c.Problems) == 0 {
		e.check(q)
	}
	switch {
	case e.kind != "":
		x.Calls = append(x.Calls, c)
		Refused(x)
	case len(c.Problems) > 0:
		x.Refuse(refusal(c), c.Problems[0].Sentence())
	}
	x.Serve = func(w *workspace.Workspace, now time.Time) exchange.Answer {
		if q.w, q.now = w, now; e.kind != "" {
			q.c = &x.Calls[0]
		}
		a := e.serve(q)
		if x.NullLists {
			a.Body = nulled(a.Body)
		}
		if e.kind == "" && len(c.Problems) > 0 {
			x.Refusal = c.Problems[0].Sentence()
		}
		return a
	}
}

// nulled writes the lists of an answer that hold nothing as null.
func nulled(body string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &members) != nil {
		return body // that of a 204
	}
	for name, v := range members {
		if string(v) == "[]" {
			members[name] = json.RawMessage("null")
		}
	}
	return reply(http.StatusOK, members).Body
}

// decode reads JSON, with numbers as they were written.
func decode(text string) (v any, err error) {
	if err := json.Unmarshal([]byte(text), &v); err != nil { // which, unlike a decoder, takes one value and no more
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// Refused words the answer from the problems of the call, in the form of the endpoint.
func Refused(x *exchange.Exchange) {
	if len(x.Calls[0].Problems) > 0 {
		x.Answer = refusal(x.Calls[0])
	}
}

func refusal(c workspace.Call) exchange.Answer {
	why, status := c.Problems[0].Sentence(), http.StatusBadRequest
	if c.Problems[0].Reason == tooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	switch c.Type {
	case "message":
		return exchange.Meta(status, why)
	case "broadcast":
		return Error(http.StatusUnprocessableEntity, why)
	}
	return Error(status, why)
}

// tooLarge is the reason of a problem that is answered 413.
const tooLarge = "too large"

// Error is an error in the form of the App API: {"errors":[{"detail":…,"status":"400"}]}.
func Error(status int, detail string) exchange.Answer {
	return reply(status, object{"errors": []object{{"detail": detail, "status": strconv.Itoa(status)}}})
}

// TooFast is the answer to a request that came too soon, with the time after which it would not have. The end of a
// daily quota is not told.
func TooFast(p exchange.Pace, after time.Duration) exchange.Answer {
	if p.Daily() {
		a := Error(http.StatusTooManyRequests, "rate limited to "+strconv.Itoa(p.Requests)+
			" request(s) per day (reference emulator)")
		return Remaining(a, p, 0)
	}
	a := Error(http.StatusTooManyRequests, "rate limited to "+strconv.Itoa(p.Requests)+" requests per "+
		p.Per.String()+" (reference emulator)")
	seconds := max(1, int(math.Ceil(after.Seconds())))
	a.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return a
}

// Remaining adds to an answer how much of a daily quota is left.
func Remaining(a exchange.Answer, p exchange.Pace, left int) exchange.Answer {
	if a.Header == nil {
		a.Header = http.Header{}
	}
	a.Header.Set("X-RateLimit-Limit", strconv.Itoa(p.Requests))
	a.Header.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	return a
}

// object is a JSON object that is answered.
type object = map[string]any

func reply(status int, v any) exchange.Answer {
	if status == http.StatusNoContent {
		return exchange.Answer{Status: status}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // of a value that this package made
		return exchange.Answer{Status: http.StatusInternalServerError, Body: strconv.Quote(err.Error()) + "\n"}
	}
	return exchange.Answer{Status: status, Body: b.String()}
}
