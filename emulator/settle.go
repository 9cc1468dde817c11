package emulator

import (
	"maps"
	"net/http"
	"time"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
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
	ByStatus   map[int]int `json:"by_status"` // requests; 0 counts those that were not answered
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.People = len(s.workspace.all)
	out.ByStatus = maps.Clone(out.ByStatus)
	return out
}

// Receipts returns the receipts that are kept, from number from on, oldest first.
func (s *Server) Receipts(from int) []Receipt {
	return s.receipts(from, "", 0)
}

// receipts returns at most limit receipts (0 means all) of one person (empty means everybody), under whichever name
// the person was called.
func (s *Server) receipts(from int, person string, limit int) []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{person: true}
	if p := s.workspace.find(person); p != nil {
		for n := range p.names {
			names[n.String()] = true
		}
	}
	var out []Receipt
	for n := max(from, s.book.first()); n < s.book.next && (limit == 0 || len(out) < limit); n++ {
		if r := s.book.at(n); person == "" || names[r.Person] {
			out = append(out, r.receipt())
		}
	}
	return out
}

// People returns everybody in the order in which they came to be.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.workspace.snapshot()
	out := make([]Person, len(found))
	for i, p := range found {
		out[i] = p.snapshot()
	}
	return out
}

// latestPeople returns the people who came to be last, latest first, or the one that an identifier names, and how
// many there are.
func (s *Server) latestPeople(named string, limit int) (people []Person, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	people = []Person{}
	if named != "" {
		if p := s.workspace.find(named); p != nil {
			people = append(people, p.snapshot())
		}
		return people, len(s.workspace.all)
	}
	found := s.workspace.snapshot()
	for i := len(found) - 1; i >= 0 && len(people) < limit; i-- {
		people = append(people, found[i].snapshot())
	}
	return people, len(found)
}

// Objects returns every object in the order in which they came to be.
func (s *Server) Objects() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.objectList()
}

// verdict says how a request ends: the status that will be answered, or 0, and why none of its calls is carried out,
// if so.
type verdict struct {
	status  int
	dropped string
	fault   string
}

// settle carries out the calls of a request and writes their receipts, in one step, so that the order of receipts is
// the order of effects.
func (s *Server) settle(x *exchange, v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.book.requests++
	s.stats.Requests++
	s.stats.Items += len(x.calls)
	s.stats.Bytes += x.bytes
	r := record{Receipt: Receipt{
		Request: s.book.requests, At: now, Method: x.method, Path: x.path, Status: v.status, Fault: v.fault,
	}}
	s.logLine = s.logLine[:0]
	if len(x.calls) == 0 {
		r.Error = v.dropped
		if r.Error == "" {
			r.Error = x.refusal
		}
		r.Taken = r.Error == ""
		s.keep(&r)
	}
	for i := range x.calls {
		s.settleCall(&x.document, &x.calls[i], r, v, x.refusal)
	}
	if err := s.writeLog(); err != nil {
		v.status = http.StatusInternalServerError
		x.answer = oldProblem(v.status, "emulator: the receipt log cannot be written: "+err.Error())
	}
	s.stats.ByStatus[v.status]++
}

func (s *Server) settleCall(d *jsondoc.Document, c *call, r record, v verdict, refusal string) {
	r.Type, r.Action, r.Person, r.Name, r.ID, r.Timestamp, r.body = c.typ, c.action, c.who.String(), c.name, c.id,
		c.timestamp, c.raw
	switch {
	case v.dropped != "":
		r.Error = v.dropped
	case refusal != "":
		r.Error = refusal
	case len(c.problems) > 0:
		r.Error = c.problems[0].sentence()
	default:
		r.Taken = true
		r.Ignored = s.workspace.apply(d, c, r.At.Unix())
		r.Applied = r.Ignored == ""
		s.stats.Taken++
	}
	switch {
	case !r.Taken:
		s.stats.Refused++
	case r.Applied:
		s.stats.Applied++
	case r.Ignored == ignoredDuplicate:
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
