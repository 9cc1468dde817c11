package emulator

import (
	"maps"
	"net/http"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Stats counts what the emulator has seen since it was made or reset.
type Stats struct {
	Requests   int         `json:"requests"`
	Items      int         `json:"items"` // calls, whatever became of them
	Taken      int         `json:"taken"`
	Applied    int         `json:"applied"`
	Duplicates int         `json:"duplicates"` // of those taken: event ids seen before
	Refused    int         `json:"refused"`    // items - taken
	Bytes      int         `json:"bytes"`      // of request bodies
	People     int         `json:"people"`
	Messages   int         `json:"messages"`  // that were to be sent to somebody; a repeat counts again
	ByStatus   map[int]int `json:"by_status"` // requests; 0 counts those that were not answered

	ByAPI map[string]int `json:"by_api"` // requests of track, app, beta and pipelines
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.People, out.Messages = s.workspace.Count(), s.workspace.Sent()
	out.ByStatus = maps.Clone(out.ByStatus)
	out.ByAPI = maps.Clone(out.ByAPI)
	return out
}

// Receipts returns the receipts that are kept, from number from on, oldest first.
func (s *Server) Receipts(from int) []Receipt {
	return s.receipts(from, chosen{}, 0)
}

// chosen says which receipts are asked for: what is empty is not looked at. A person is found under whichever name the
// person was called.
type chosen struct{ api, typ, person string }

// receipts returns at most limit receipts (0 means all) of those that are chosen.
func (s *Server) receipts(from int, which chosen, limit int) []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.workspace.NamesOf(which.person)
	var out []Receipt
	for n := max(from, s.book.first()); n < s.book.next && (limit == 0 || len(out) < limit); n++ {
		r := s.book.at(n)
		if (which.person == "" || names[r.Person]) && (which.api == "" || which.api == r.API) &&
			(which.typ == "" || which.typ == r.Type) {
			out = append(out, r.receipt())
		}
	}
	return out
}

// People returns everybody in the order in which they came to be.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.People()
}

// latestPeople returns the people who came to be last, latest first, or the one that an identifier names, and how
// many there are.
func (s *Server) latestPeople(named string, limit int) (people []Person, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.Latest(named, limit), s.workspace.Count()
}

// Objects returns every object in the order in which they came to be.
func (s *Server) Objects() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.Objects()
}

// verdict says how a request ends: the status that will be answered, or 0, and why none of its calls is carried out,
// if so.
type verdict struct {
	status  int
	ends    bool // with that status, whatever the answer would be
	dropped string
	fault   string
}

// settle carries out the calls of a request and writes their receipts, in one step, so that the order of receipts is
// the order of effects.
func (s *Server) settle(x *exchange.Exchange, v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.workspace.React(now)
	s.book.requests++
	s.stats.Requests++
	s.stats.Items += len(x.Calls)
	s.stats.Bytes += x.Bytes
	s.stats.ByAPI[x.API]++
	if x.Serve != nil && x.Refusal == "" && v.dropped == "" && (len(x.Calls) == 0 || len(x.Calls[0].Problems) == 0) {
		x.Answer = x.Serve(s.workspace, now)
		if !v.ends {
			v.status = x.Answer.Status
		}
	}
	r := record{Receipt: Receipt{
		Request: s.book.requests, At: now, API: x.API, Method: x.Method, Path: x.Path, Query: x.Query,
		Status: v.status, Fault: v.fault,
	}}
	s.logLine = s.logLine[:0]
	if len(x.Calls) == 0 {
		r.Error = v.dropped
		if r.Error == "" {
			r.Error = x.Refusal
		}
		r.Taken = r.Error == ""
		s.keep(&r)
	}
	for i := range x.Calls {
		s.settleCall(x, &x.Calls[i], r, v)
	}
	if err := s.writeLog(); err != nil {
		v.status = http.StatusInternalServerError
		x.Answer = exchange.Meta(v.status, "emulator: the receipt log cannot be written: "+err.Error())
	}
	s.stats.ByStatus[v.status]++
}

func (s *Server) settleCall(x *exchange.Exchange, c *workspace.Call, r record, v verdict) {
	r.Type, r.Action, r.Person, r.Name, r.ID, r.Timestamp, r.body = c.Type, c.Action, c.Who.String(), c.Name, c.ID,
		c.Timestamp, c.Raw
	switch {
	case v.dropped != "":
		r.Error = v.dropped
	case x.Refusal != "":
		r.Error = x.Refusal
	case len(c.Problems) > 0:
		r.Error = c.Problems[0].Sentence()
	default:
		r.Taken = true
		if r.Ignored = c.Ignored; r.Ignored == "" && x.Serve == nil {
			r.Ignored = s.workspace.Apply(&x.Document, c, r.At)
		}
		r.Applied = r.Ignored == ""
		s.stats.Taken++
	}
	switch {
	case !r.Taken:
		s.stats.Refused++
	case r.Applied:
		s.stats.Applied++
	case r.Ignored == workspace.Duplicate:
		s.stats.Duplicates++
	}
	s.keep(&r)
}

func (s *Server) keep(r *record) {
	s.book.add(r)
	if s.options.ReceiptLog != nil {
		s.logLine = r.appendLine(s.logLine)
	}
}

// writeLog writes the lines of a request. A request without a receipt must not be answered as if it had one.
func (s *Server) writeLog() error {
	if s.options.ReceiptLog == nil {
		return nil
	}
	_, err := s.options.ReceiptLog.Write(s.logLine)
	return err
}

// Deliveries returns the messages that were to be sent, oldest first: of a transactional request one, of a broadcast
// one for each person. A request that was carried out twice has two.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.Deliveries()
}
