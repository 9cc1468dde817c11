package emulator

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

const controlPrefix = "/_emulator/"

// page shows what the emulator holds. It asks the endpoints below, like any other client.
//
//go:embed page.html
var page []byte

// control serves the emulator's own endpoints. They want no credentials: the emulator is for a developer's machine
// and for tests.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, controlPrefix) {
	case "GET /":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "+
				"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(page)
	case "GET receipts":
		s.controlReceipts(w, r)
	case "GET people":
		s.controlPeople(w, r)
	case "GET objects":
		reply(w, map[string]any{"objects": s.Objects()})
	case "GET deliveries":
		reply(w, map[string]any{"deliveries": s.Deliveries()})
	case "GET stats":
		reply(w, s.Stats())
	case "GET faults":
		reply(w, map[string]any{"faults": s.faults.states(), "fired": s.FaultCounts()})
	case "POST faults":
		s.controlAddFaults(w, r)
	case "DELETE faults":
		reply(w, map[string]int{"removed": s.faults.remove(r.URL.Query().Get("name"))})
	case "GET webhooks":
		reply(w, s.WebhookStats())
	case "POST webhooks":
		s.controlWebhook(w, r)
	case "GET reactions":
		reply(w, map[string]string{"within": s.Reacting().String()})
	case "PUT reactions":
		s.controlReactions(w, r)
	case "POST deliveries":
		s.controlDeliveries(w, r)
	case "GET events":
		s.controlEvents(w, r)
	case "POST events":
		s.controlShowEvent(w, r)
	case "GET letters":
		s.controlLetters(w, r)
	case "PUT letters":
		s.controlShowLetters(w, r)
	case "GET exports":
		reply(w, exportsJSON(s.Exports()))
	case "PUT exports":
		s.controlExports(w, r)
	case "PUT credentials":
		s.controlCredentials(w, r)
	case "POST reset":
		s.Reset()
		reply(w, struct{}{})
	default:
		controlError(w, http.StatusNotFound,
			"there is no "+r.Method+" "+r.URL.Path+"; there are GET receipts, people, objects, stats; "+
				"GET and POST deliveries, webhooks, events; GET, POST and DELETE faults; "+
				"GET and PUT exports, letters, reactions; PUT credentials; POST reset, all under "+controlPrefix)
	}
}

func reply(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		controlError(w, http.StatusInternalServerError, err.Error())
		return
	}
	exchange.Answer{Status: http.StatusOK, Body: string(append(b, '\n'))}.Send(w)
}

func controlError(w http.ResponseWriter, status int, message string) {
	exchange.Answer{Status: status, Body: string(append(jsondoc.AppendString([]byte(`{"error":`), message), "}\n"...))}.Send(w)
}

// number reads a query parameter that must be a whole number; absent means the default.
func number(r *http.Request, name string, otherwise int) (int, error) {
	if !r.URL.Query().Has(name) {
		return otherwise, nil
	}
	return strconv.Atoi(r.URL.Query().Get(name))
}

// controlReceipts answers {"first":…,"next":…,"receipts":[…]}: what is kept begins at first; next is where to go on.
// A negative from counts from the end. With api, type or person only the receipts of those are there.
func (s *Server) controlReceipts(w http.ResponseWriter, r *http.Request) {
	from, err := number(r, "from", 0)
	limit, err2 := number(r, "limit", 1000)
	if err != nil || err2 != nil || limit < 1 {
		controlError(w, http.StatusBadRequest, "from and limit must be whole numbers, limit at least 1")
		return
	}
	s.mu.Lock()
	first, next := s.book.first(), s.book.next
	s.mu.Unlock()
	if from < 0 {
		from += next
	}
	query := r.URL.Query()
	which := chosen{api: query.Get("api"), typ: query.Get("type"), person: query.Get("person")}
	receipts := s.receipts(from, which, limit)
	if n := len(receipts); n > 0 && (n == limit || receipts[n-1].N >= next) {
		next = receipts[n-1].N + 1
	}
	reply(w, map[string]any{"first": first, "next": next, "receipts": s.traced(receipts)})
}

// controlPeople answers {"total":…,"people":[…]}, the latest to come first, or the one who is named by kind:value.
func (s *Server) controlPeople(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", 1000)
	if err != nil || limit < 1 {
		controlError(w, http.StatusBadRequest, "limit must be a whole number, at least 1")
		return
	}
	people, total := s.latestPeople(r.URL.Query().Get("person"), limit)
	reply(w, map[string]any{"total": total, "people": people})
}

func (s *Server) controlAddFaults(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if err := decode(w, r, &raw); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	list := make([]Fault, 1)
	var into any = &list[0]
	if raw[0] == '[' {
		into = &list
	}
	if err := json.Unmarshal(raw, into); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, f := range list {
		if err := f.Validate(); err != nil {
			controlError(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = s.faults.add(f)
	}
	reply(w, map[string]any{"names": names})
}

func (s *Server) controlCredentials(w http.ResponseWriter, r *http.Request) {
	var k Keys
	if err := decode(w, r, &k); err != nil || k == (Keys{}) || (k.SiteID == "") != (k.APIKey == "") {
		controlError(w, http.StatusBadRequest,
			`want {"site_id":"…","api_key":"…"}, {"app_key":"…"}, {"write_key":"…"} or all of them`)
		return
	}
	if slices.ContainsFunc([]string{k.SiteID, k.APIKey, k.AppKey, k.WriteKey}, looksReal) {
		controlError(w, http.StatusBadRequest, errRealCredentials.Error())
		return
	}
	s.SetKeys(k)
	reply(w, struct{}{})
}

func decode(w http.ResponseWriter, r *http.Request, v any) error {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	in.DisallowUnknownFields()
	return in.Decode(v)
}
