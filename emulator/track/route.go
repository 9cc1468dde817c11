package track

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// open reports whether an endpoint wants no credentials.
func open(path string) bool {
	return path == "/api/v1/metrics" || path == "/api/v1/push/events" || path == "/push/events" ||
		strings.HasPrefix(path, "/unsubscribe/")
}

// routes are the endpoints. A star stands for one segment of the path, which the function gets decoded.
var routes []exchange.Route[func(x request, args []string)]

func init() {
	for endpoint, read := range map[string]func(x request, args []string){
		"POST api/v2/batch":                       request.batch,
		"POST api/v2/entity":                      request.entity,
		"GET api/v1/accounts/region":              request.accountRegion,
		"GET auth":                                request.auth, // which no document has, and clients ask
		"PUT api/v1/customers/*":                  request.oldIdentify,
		"DELETE api/v1/customers/*":               bare("delete"),
		"POST api/v1/customers/*/suppress":        bare("suppress"),
		"POST api/v1/customers/*/unsuppress":      bare("unsuppress"),
		"POST api/v1/customers/*/events":          request.oldEvent,
		"PUT api/v1/customers/*/devices":          request.oldAddDevice,
		"DELETE api/v1/customers/*/devices/*":     request.oldDeleteDevice,
		"POST api/v1/events":                      request.oldEvent,
		"POST api/v1/merge_customers":             request.oldMerge,
		"POST api/v1/segments/*/add_customers":    segment("add_customers"),
		"POST api/v1/segments/*/remove_customers": segment("remove_customers"),
		"POST api/v1/forms/*/submit":              request.form,
		"POST api/v1/metrics":                     request.metric,
		"POST api/v1/push/events":                 request.pushEvent,
		"POST push/events":                        request.pushEvent, // where older clients send it
		"POST unsubscribe/*":                      request.unsubscribe,
	} {
		routes = append(routes, exchange.NewRoute(endpoint, read))
	}
}

// request is an exchange as Track reads it.
type request struct{ *exchange.Exchange }

// limit is how long the body of a request can be.
func (x request) limit() int {
	switch x.Path {
	case batchPath:
		return maxBatchBytes
	case entityPath:
		return maxItemBytes
	}
	return maxOldBodyBytes
}

// Read finds out what a request of Track asks for. It changes nothing outside the exchange. Authentic reports whether
// the request carries the workspace's credentials.
func Read(e *exchange.Exchange, r *http.Request, authentic bool) {
	x := request{e}
	limit := x.limit()
	whole, err := x.ReadBody(r, limit)
	v2 := strings.HasPrefix(x.Path, "/api/v2/")
	read, args, known, found := exchange.Find(routes, x.Method, x.Segments)
	switch {
	case !known:
		message := "not found: the Track API has no path " + x.Path
		x.Refuse(exchange.Meta(http.StatusNotFound, message), "no such path")
	case !found:
		x.Refuse(exchange.Meta(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
	case !authentic && !open(x.Path):
		a := exchange.Meta(http.StatusUnauthorized, "Unauthorized")
		a.Header = http.Header{"Www-Authenticate": {`Basic realm="Customer.io Track"`}}
		x.Refuse(a, "wrong credentials")
	case err != nil:
		x.Refuse(exchange.Meta(http.StatusBadRequest, "the body could not be read"),
			"the body could not be read: "+err.Error())
	case !whole && v2:
		x.tooLong(limit)
	case !whole:
		message := "body cannot be longer than " + strconv.Itoa(limit) + " bytes"
		x.Refuse(exchange.Meta(http.StatusRequestEntityTooLarge, message), message)
	case x.Body != "" && !exchange.JSON(r.Header.Get("Content-Type")):
		x.Refuse(exchange.Meta(http.StatusBadRequest, "the Content-Type must be application/json"), "content type")
	default:
		read(x, args)
	}
}

func (x request) tooLong(limit int) {
	message := "cannot be longer than " + strconv.Itoa(limit) + " bytes"
	p := workspace.Problem{Reason: workspace.Invalid, Field: "body", Message: message}
	x.Refuse(exchange.Problems(http.StatusRequestEntityTooLarge, p), "body "+message)
}

// Refused words the answer anew, after problems were added to the calls.
func Refused(e *exchange.Exchange) {
	x := request{e}
	switch {
	case x.Path == batchPath:
		x.answerBatch()
	case x.Path == entityPath:
		x.Answer = exchange.Problems(http.StatusBadRequest, x.Calls[0].Problems...)
	case len(x.Calls[0].Problems) > 0:
		x.Answer = exchange.Meta(http.StatusBadRequest, x.Calls[0].Problems[0].Sentence())
	}
}
