package emulator

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Receipt tells what arrived as one call and what the emulator did with it. A request that could not be read as
// calls, such as one with wrong credentials or a body that is not JSON, has one receipt with an empty Type.
type Receipt struct {
	N       int       `json:"n"`       // 1, 2, 3 … in the order in which calls were carried out or refused
	Request int       `json:"request"` // the number of the request; receipts of one request are neighbours
	At      time.Time `json:"at"`      // when the call was carried out or refused
	API     string    `json:"api"`     // track, app, beta or pipelines
	Method  string    `json:"method"`
	Path    string    `json:"path"`            // as it was sent, percent-encoding included
	Query   string    `json:"query,omitempty"` // the same

	Type   string `json:"type,omitempty"`   // person, object, delivery, segment
	Action string `json:"action,omitempty"` // as Track v2 names it
	// kind:value, such as id:7, email:a@example.com (lower case), object/1:acme
	Person    string          `json:"person,omitempty"`
	Name      string          `json:"name,omitempty"`      // of the event, page, screen, metric, segment or device
	ID        string          `json:"id,omitempty"`        // the ULID of an event, as it was sent
	Timestamp int64           `json:"timestamp,omitempty"` // unix seconds; 0 where the call has none
	Body      json.RawMessage `json:"body,omitempty"`      // the bytes of the call; of Track v2, the item

	Status  int  `json:"status"`  // the answer to the whole request; 0 where none was given
	Taken   bool `json:"taken"`   // accepted: Customer.io would have answered 200 for it
	Applied bool `json:"applied"` // taken, and it changed something or counted
	// why a call that was taken was not applied: duplicate, stale, suppressed …
	Ignored string `json:"ignored,omitempty"`
	Error   string `json:"error,omitempty"` // why it was not taken
	Fault   string `json:"fault,omitempty"` // the fault that the request met
}

// record is a receipt as it is kept: its strings are parts of the body of the request.
type record struct {
	Receipt
	body string
}

func (r *record) receipt() Receipt {
	out := r.Receipt
	if r.body != "" {
		out.Body = json.RawMessage(r.body)
	}
	return out
}

// appendLine appends the receipt as one line of JSON, in the form that encoding/json reads into a Receipt.
func (r *record) appendLine(b []byte) []byte {
	number := func(name string, v int64) {
		b = append(b, name...)
		b = strconv.AppendInt(b, v, 10)
	}
	text := func(name, v string) {
		if v != "" {
			b = append(b, name...)
			b = jsondoc.AppendString(b, v)
		}
	}
	number(`{"n":`, int64(r.N))
	number(`,"request":`, int64(r.Request))
	b = append(b, `,"at":"`...)
	b = r.At.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	text(`,"api":`, r.API)
	text(`,"method":`, r.Method)
	text(`,"path":`, r.Path)
	text(`,"query":`, r.Query)
	text(`,"type":`, r.Type)
	text(`,"action":`, r.Action)
	text(`,"person":`, r.Person)
	text(`,"name":`, r.Name)
	text(`,"id":`, r.ID)
	if r.Timestamp != 0 {
		number(`,"timestamp":`, r.Timestamp)
	}
	if r.body != "" {
		b = append(b, `,"body":`...)
		b = appendOneLine(b, r.body)
	}
	number(`,"status":`, int64(r.Status))
	b = append(b, `,"taken":`...)
	b = strconv.AppendBool(b, r.Taken)
	b = append(b, `,"applied":`...)
	b = strconv.AppendBool(b, r.Applied)
	text(`,"ignored":`, r.Ignored)
	text(`,"error":`, r.Error)
	text(`,"fault":`, r.Fault)
	return append(b, "}\n"...)
}

// appendOneLine appends JSON as it is, but for line breaks. Those can only stand between tokens, so a space means the
// same.
func appendOneLine(b []byte, raw string) []byte {
	from := len(b)
	b = append(b, raw...)
	if strings.ContainsAny(raw, "\n\r") {
		for i, c := range b[from:] {
			if c == '\n' || c == '\r' {
				b[from+i] = ' '
			}
		}
	}
	return b
}

// keptBytes bounds the bodies of the receipts that are kept, unless all are to be kept.
const keptBytes = 256 << 20

// book keeps the latest receipts in order. Its owner serialises access.
type book struct {
	records  []record // a ring; the first one is at head
	head     int
	count    int
	next     int // the number of the next receipt
	limit    int // receipts to keep; negative keeps all
	bytes    int
	requests int
}

func newBook(limit int) *book { return &book{limit: limit, next: 1} }

// add keeps a copy of r and gives it its number.
func (k *book) add(r *record) {
	r.N = k.next
	k.next++
	if k.count == len(k.records) {
		k.grow()
	}
	k.records[(k.head+k.count)%len(k.records)] = *r
	k.count++
	k.bytes += len(r.body)
	for k.limit >= 0 && (k.count > k.limit || k.bytes > keptBytes && k.count > 1) {
		k.bytes -= len(k.records[k.head].body)
		k.records[k.head] = record{}
		k.head = (k.head + 1) % len(k.records)
		k.count--
	}
}

func (k *book) grow() {
	grown := make([]record, max(64, 2*len(k.records)))
	for i := range k.count {
		grown[i] = k.records[(k.head+i)%len(k.records)]
	}
	k.records, k.head = grown, 0
}

// first is the number of the oldest receipt that is kept.
func (k *book) first() int { return k.next - k.count }

func (k *book) at(n int) *record { return &k.records[(k.head+n-k.first())%len(k.records)] }
