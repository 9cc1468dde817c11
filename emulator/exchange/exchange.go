package exchange

import (
	"net/http"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Exchange is what was read of a request, the calls it holds and the answer it deserves before any fault.
type Exchange struct {
	API          string   // track, app, beta or pipelines
	Region       string   // of the workspace
	Partial      int      // the status of a batch with items that are refused
	NullLists    bool     // of App: empty lists are null
	Strict       bool     // of Pipelines: what is wrong is answered with an error
	Method, Path string   // the path as it was sent, percent-encoding included
	Segments     []string // of the path, decoded
	Query        string
	Body         string
	Bytes        int // of the body, also where it was too long to be kept
	Document     jsondoc.Document
	Calls        []workspace.Call
	Answer       Answer
	Refusal      string // why the request as a whole is refused; empty if its calls are judged one by one

	// Serve makes the answer from what the workspace holds, and carries out what is asked for, where that is no
	// operation of Track. It is nil where the answer is known when the request was read.
	Serve Serve

	Pace Pace // how often such requests are taken; zero means as often as they come
}

// Pace is a rate limit: so many requests in a time.
type Pace struct {
	Name     string // of what is limited
	Requests int
	Per      time.Duration
}

// Daily tells a quota of a day from a rate.
func (p Pace) Daily() bool { return p.Per >= 24*time.Hour }

// Serve answers a request from a workspace. What it finds out about the exchange's call, such as the id of a delivery,
// it adds to it; an exchange that only reads has none. It runs while nothing else uses the workspace.
type Serve func(w *workspace.Workspace, now time.Time) Answer

// Forget makes the exchange as new.
func (x *Exchange) Forget() {
	clear(x.Calls)
	x.Document.Reset()
	*x = Exchange{Calls: x.Calls[:0], Document: x.Document}
}

// Begin takes from a request what says where it goes.
func (x *Exchange) Begin(api string, r *http.Request) {
	x.API, x.Method, x.Path, x.Query = api, r.Method, r.URL.EscapedPath(), r.URL.RawQuery
}

// Refuse ends the request as a whole.
func (x *Exchange) Refuse(a Answer, why string) {
	x.Answer, x.Refusal = a, why
}

// Flawless reads the body as one object without flaws, and otherwise says what is wrong with it.
func (x *Exchange) Flawless() (wrong string) {
	d := &x.Document
	if err := d.Read(x.Body); err != nil {
		return "body must be valid JSON: " + err.Error()
	}
	switch {
	case d.Nodes[0].Kind != jsondoc.Object:
		return "body must be an object"
	case len(d.Flaws) > 0:
		return strings.TrimSpace("body " + d.Flaws[0].Message)
	}
	return ""
}
