package emulator

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// exchange is one request on its way: what was read of it, the calls it holds and the answer it deserves before any
// fault. It is reused.
type exchange struct {
	region       string // of the workspace
	partial      int    // the status of a batch with items that are refused
	method, path string
	segments     []string // of the path, decoded
	query        string
	body         string
	bytes        int
	document     jsondoc.Document
	calls        []call
	answer       answer
	refusal      string // why the request as a whole is refused; empty if its calls are judged one by one
}

func (x *exchange) forget() {
	clear(x.calls)
	x.document.Reset()
	*x = exchange{calls: x.calls[:0], document: x.document}
}

// answer is an HTTP response.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")
	h.Set("X-Content-Type-Options", "nosniff")
	for k, v := range a.header {
		h[k] = v
	}
	if a.status == http.StatusNoContent {
		h.Del("Content-Type")
		w.WriteHeader(a.status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	// an error means that the client is gone: its receipt is written, and nobody is left to tell
	io.WriteString(w, a.body)
}

var success = answer{status: http.StatusOK, body: "{}\n"}

// oldProblem is an error in the form of Track v1.
func oldProblem(status int, message string) answer {
	b := append([]byte(nil), `{"meta":{"error":`...)
	return answer{status: status, body: string(append(jsondoc.AppendString(b, message), "}}\n"...))}
}

// newProblem is an error of a whole request in the form of Track v2.
func newProblem(status int, problems ...problem) answer {
	b := append([]byte(nil), `{"errors":[`...)
	for i, p := range problems {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendProblem(b, p)
	}
	return answer{status: status, body: string(append(b, "]}\n"...))}
}

func appendProblem(b []byte, p problem) []byte {
	b = jsondoc.AppendString(append(b, `"reason":`...), p.reason)
	b = jsondoc.AppendString(append(b, `,"field":`...), p.field)
	b = jsondoc.AppendString(append(b, `,"message":`...), p.message)
	return append(b, '}')
}

// refuse ends the request as a whole.
func (x *exchange) refuse(a answer, why string) {
	x.answer, x.refusal = a, why
}

// read finds out what the request asks for. It changes nothing outside the exchange.
func (x *exchange) read(r *http.Request, authentic bool) {
	x.method, x.path = r.Method, r.URL.EscapedPath()
	x.query = r.URL.RawQuery
	v2 := strings.HasPrefix(x.path, "/api/v2/")
	limit := maxOldBodyBytes
	switch x.path {
	case batchPath:
		limit = maxBatchBytes
	case entityPath:
		limit = maxItemBytes
	}
	whole, err := x.readBody(r, limit)
	other := foreign(x.path)
	switch {
	case other != "":
		x.refuse(oldProblem(http.StatusNotFound, other), "no such path")
	case !authentic && !open(x.path):
		a := oldProblem(http.StatusUnauthorized, "Unauthorized")
		a.header = http.Header{"Www-Authenticate": {`Basic realm="Customer.io Track"`}}
		x.refuse(a, "wrong credentials")
	case err != nil:
		x.refuse(oldProblem(http.StatusBadRequest, "the body could not be read"),
			"the body could not be read: "+err.Error())
	case !whole && v2:
		message := "cannot be longer than " + strconv.Itoa(limit) + " bytes"
		x.refuse(newProblem(http.StatusRequestEntityTooLarge, problem{reasonInvalid, "body", message, ""}),
			"body "+message)
	case !whole:
		message := "body cannot be longer than " + strconv.Itoa(limit) + " bytes"
		x.refuse(oldProblem(http.StatusRequestEntityTooLarge, message), message)
	case x.body != "" && !jsonContent(r.Header.Get("Content-Type")):
		x.refuse(oldProblem(http.StatusBadRequest, "the Content-Type must be application/json"), "content type")
	default:
		x.route()
	}
}

// readBody reads the body up to limit and reports whether that was all. A longer one is read on for a while and
// thrown away, because a client that is cut off while it writes may not see the answer.
func (x *exchange) readBody(r *http.Request, limit int) (whole bool, err error) {
	var b strings.Builder
	if r.ContentLength > 0 {
		b.Grow(min(int(r.ContentLength), limit) + 1)
	}
	n, err := io.Copy(&b, io.LimitReader(r.Body, int64(limit)+1))
	x.bytes, x.body = int(n), b.String()
	if err != nil || x.bytes <= limit {
		return true, err
	}
	const patience = 16 << 20
	rest, err := io.CopyN(io.Discard, r.Body, patience)
	x.bytes += int(rest)
	x.body = ""
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return false, err
}

func jsonContent(header string) bool {
	if header == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(header)
	return err == nil && media == "application/json" && (params["charset"] == "" ||
		strings.EqualFold(params["charset"], "utf-8"))
}

// route splits the path into decoded segments and hands over to the endpoint. Dots are no names: clients and proxies
// resolve them.
func (x *exchange) route() {
	for _, part := range strings.Split(strings.TrimPrefix(x.path, "/"), "/") {
		s, err := url.PathUnescape(part)
		if err != nil || s == "" || s == "." || s == ".." {
			x.refuse(oldProblem(http.StatusNotFound, "not found"), "no such path")
			return
		}
		x.segments = append(x.segments, s)
	}
	switch x.path {
	case batchPath:
		x.batch()
	case entityPath:
		x.entity()
	default:
		x.old()
	}
}
