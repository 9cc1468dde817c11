package pipelines

import (
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// The documented limits. Customer.io writes "KB" without saying which; the emulator takes the smaller meaning.
const (
	maxBatchBytes   = 500_000
	maxMessageBytes = 32_000
)

const batch = "batch"

var kinds = []string{"identify", "track", "page", "screen", "group", "alias"}

// Has reports whether the API has this path under /v1/.
func Has(path string) bool { return path == batch || slices.Contains(kinds, path) }

// Read finds out what a request asks for. It changes nothing outside the exchange. Authentic reports whether the
// request carries the workspace's write key.
func Read(x *exchange.Exchange, r *http.Request, authentic bool) {
	kind := strings.TrimPrefix(x.Path, "/v1/")
	x.Strict = r.Header.Get("X-Strict-Mode") == "1"
	limit := maxMessageBytes
	if kind == batch {
		limit = maxBatchBytes
	}
	inflate(r)
	whole, err := x.ReadBody(r, limit)
	switch {
	case !Has(kind) || !strings.HasPrefix(x.Path, "/v1/"):
		message := "not found: the Pipelines API has no path " + x.Path
		x.Refuse(exchange.Meta(http.StatusNotFound, message), "no such path")
	case x.Method != http.MethodPost:
		x.Refuse(exchange.Meta(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
	case !authentic:
		discard(x, http.StatusUnauthorized, "wrong credentials")
	case err != nil:
		discard(x, http.StatusBadRequest, "the body could not be read: "+err.Error())
	case !whole:
		discard(x, http.StatusBadRequest, "body cannot be longer than "+strconv.Itoa(limit)+" bytes")
	case !exchange.JSON(r.Header.Get("Content-Type")):
		discard(x, http.StatusBadRequest, "the Content-Type must be application/json")
	default:
		if wrong := x.Flawless(); wrong != "" {
			discard(x, http.StatusBadRequest, wrong)
			return
		}
		readMessages(x, kind)
	}
}

// inflate lets a compressed body be read as what it holds.
func inflate(r *http.Request) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return
	}
	if z, err := gzip.NewReader(r.Body); err == nil { // otherwise the body is no JSON, which is said in its place
		r.Body = z
	}
}

// discard refuses the request as a whole: with the status in strict mode, and otherwise with a 200.
func discard(x *exchange.Exchange, status int, why string) {
	a := exchange.Success
	if x.Strict {
		a = problems(status, why)
	}
	x.Refuse(a, why)
}

func problems(status int, sentences ...string) exchange.Answer {
	b := append([]byte(nil), `{"meta":{"errors":[`...)
	for i, s := range sentences {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(b, s)
	}
	return exchange.Answer{Status: status, Body: string(append(b, "]}}\n"...))}
}

func readMessages(x *exchange.Exchange, kind string) {
	d := &x.Document
	if kind != batch {
		x.Calls = append(x.Calls, read(d, 0, kind))
		Refused(x)
		return
	}
	list := d.Member(0, batch)
	if list == jsondoc.None || d.Nodes[list].Kind != jsondoc.Array || d.Nodes[list].Size == 0 {
		discard(x, http.StatusBadRequest, "batch must be an array of messages")
		return
	}
	for m := range d.Children(list) {
		x.Calls = append(x.Calls, read(d, m, ""))
	}
	Refused(x)
}

// Refused words the answer from the problems of the calls. In strict mode one wrong message refuses all.
func Refused(x *exchange.Exchange) {
	x.Answer = exchange.Success
	if !x.Strict {
		return
	}
	var sentences []string
	for i := range x.Calls {
		for _, p := range x.Calls[i].Problems {
			sentences = append(sentences, prefix(x, i)+p.Sentence())
		}
	}
	if sentences == nil {
		return
	}
	x.Answer = problems(http.StatusBadRequest, sentences...)
	for i := range x.Calls {
		if c := &x.Calls[i]; len(c.Problems) == 0 {
			c.Refuse(workspace.Invalid, "", "another message of the batch is wrong")
		}
	}
}

func prefix(x *exchange.Exchange, i int) string {
	if strings.HasSuffix(x.Path, batch) {
		return "batch[" + strconv.Itoa(i) + "]: "
	}
	return ""
}
