package outcomes

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/persons"
)

// Path is where the outcomes are asked for, with one of the parameters Origin, ID and Person.
const (
	Path   = "/outcomes"
	Origin = "origin" // TOPIC/PARTITION@OFFSET, of a stream STREAM/0@SEQUENCE
	ID     = "id"     // the ULID of a call
	Person = "person" // an identifier, with or without its kind before it
)

// Answer is what is known.
type Answer struct {
	Limit    int       `json:"limit"` // admin.recent_outcomes; 0 where none are kept
	Held     int       `json:"held"`  // of these, now
	Oldest   time.Time `json:"oldest,omitzero"`
	Outcomes []Outcome `json:"outcomes"`       // that match, the latest of them, in the order of their times
	More     bool      `json:"more,omitempty"` // match, and are older
}

// Outcome is what became of a call or of a message. It holds nothing of an event.
type Outcome struct {
	At     time.Time `json:"at"`
	Origin string    `json:"origin"`
	Item   int       `json:"item,omitempty"` // of a record that holds several events
	Became string    `json:"became"`         // accepted, refused, dead_lettered or skipped
	Reason string    `json:"reason,omitempty"`

	ID        string `json:"id,omitempty"` // of the call
	Rule      string `json:"rule,omitempty"`
	Call      string `json:"call,omitempty"`
	Action    string `json:"action,omitempty"`
	Workspace string `json:"workspace,omitempty"`

	Attempts int `json:"attempts,omitempty"` // that reached the wire
	Request  int `json:"request,omitempty"`  // the number of the last one since the start, as the log has it
	Status   int `json:"status,omitempty"`   // of its answer

	ConfigHash string `json:"config_hash"`          // of the rules that mapped the message
	Generation int    `json:"generation,omitempty"` // of these rules
}

// most is how many outcomes an answer holds.
const most = 100

// find gives what matches.
func (r *Ring) find(matches func(*record) bool, generation func(hash string) int) Answer {
	a := Answer{Limit: r.limit(), Outcomes: []Outcome{}}
	var list []record
	r.each(func(e *record) bool {
		if matches(e) {
			a.More = len(list) == most
			if !a.More {
				list = append(list, *e)
			}
		}
		return !a.More
	})
	a.Held, a.Oldest = r.span()
	for i := range slices.Backward(list) {
		a.Outcomes = append(a.Outcomes, list[i].outcome(generation))
	}
	return a
}

func (e *record) outcome(generation func(hash string) int) Outcome {
	o := Outcome{At: time.Unix(0, e.at).UTC(), Item: int(e.item), Became: e.kind.String(), Reason: string(e.reason),
		Origin: event.Origin{Topic: e.topic, Partition: e.partition, Offset: e.offset}.String(),
		Rule:   e.rule, Call: e.call, Action: e.action, Workspace: e.workspace,
		Attempts: int(e.attempts), Request: int(e.request), Status: int(e.status),
		ConfigHash: e.rules, Generation: generation(e.rules)}
	if !e.id.IsZero() {
		o.ID = e.id.String()
	}
	if e.kind == skipped {
		o.Reason = e.skip.String()
	}
	return o
}

// Handler answers with the outcomes that are asked for. Workspaces are the names of those that a person may be in.
// Generation is that of the rules with a hash, 0 where it is not known. Nothing that is asked for is logged, or stands
// in an answer.
func (r *Ring) Handler(workspaces []string, generation func(hash string) int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		matches, err := wanted(req.URL.Query(), workspaces)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, err := json.MarshalIndent(r.find(matches, generation), "", "  ")
		if err != nil {
			panic(err) // these are plain values
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(text, '\n')) // whoever asked may have gone
	}
}

func wanted(q url.Values, workspaces []string) (func(*record) bool, error) {
	given := 0
	for _, name := range []string{Origin, ID, Person} {
		given += len(q[name])
	}
	if given != 1 {
		return nil, errors.New("give one of origin, id and person")
	}
	switch {
	case q.Has(Origin):
		o, err := event.ParseOrigin(q.Get(Origin))
		if err != nil {
			return nil, errors.New("origin: " + err.Error())
		}
		return ofOrigin(o), nil
	case q.Has(ID):
		id, err := event.ParseID(q.Get(ID))
		if err != nil {
			return nil, errors.New("id: " + err.Error())
		}
		return ofCall(id), nil
	}
	p, err := persons.Parse(q.Get(Person), workspaces...)
	if err != nil {
		return nil, errors.New("person: " + err.Error())
	}
	return ofPerson(p), nil
}
