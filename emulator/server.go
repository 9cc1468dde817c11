package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/reporting"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Server is the emulator. It is an http.Handler, safe for concurrent use, and starts no goroutines.
//
// ServeHTTP turns away web pages, answers the emulator's own endpoints, and makes an exchange of every other request.
// An exchange that meets a fault ends as the fault says; any other is settled and answered. Receipts, People,
// Objects, Stats and FaultCounts tell what has happened so far. Reset forgets all of that, and the Server is as new
// but for its credentials. A Server needs no closing; the http.Server around it does.
type Server struct {
	options  Options
	webhooks *reporting.Sender // nil where none are sent
	hosts    []string
	faults   *faults
	pacer    pacer
	spare    sync.Pool // of *exchange.Exchange

	mu        sync.Mutex // guards what follows
	keys      Keys
	workspace *workspace.Workspace
	book      *book
	stats     Stats
	logLine   []byte
	bus       []BusEvent
	shown     int // of them, so far
	traces    traces

	letters     []Letter
	letterCount int // of them and of those that are not kept
}

// New makes a server. It panics on options that Options.Validate refuses.
func New(o Options) *Server {
	if err := o.Validate(); err != nil {
		panic(fmt.Errorf("emulator options: %w", err))
	}
	o = o.withDefaults()
	s := &Server{options: o, faults: newFaults(o.Seed),
		keys: Keys{o.SiteID, o.APIKey, o.AppKey, o.WriteKey}}
	for _, host := range o.Hosts {
		s.hosts = append(s.hosts, hostname(host))
	}
	if o.Webhook.URL != "" {
		s.webhooks = reporting.New(o.Webhook.URL, o.Webhook.Key, o.Webhook.Retry)
	}
	s.spare.New = func() any { return new(exchange.Exchange) }
	s.clear()
	for _, f := range o.Faults {
		s.faults.add(f)
	}
	return s
}

// Reset forgets receipts, people, objects, event ids, statistics and faults. Credentials stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.faults.clear()
}

func (s *Server) clear() {
	s.workspace = workspace.New(s.options.RememberIDs)
	s.workspace.ReactWithin(s.options.ReactWithin)
	s.workspace.Exports = s.options.Exports
	if s.webhooks != nil {
		s.workspace.Tell(s.tell)
	}
	s.book = newBook(s.options.KeepReceipts)
	s.bus, s.shown = nil, 0
	s.traces, s.letters, s.letterCount = traces{}, nil, 0
	s.stats = Stats{ByStatus: map[int]int{}, ByAPI: map[string]int{}}
	s.pacer.clear()
}

// Keys are the credentials of a workspace.
type Keys struct {
	SiteID   string `json:"site_id"`
	APIKey   string `json:"api_key"`
	AppKey   string `json:"app_key"`
	WriteKey string `json:"write_key"`
}

// SetCredentials changes the credentials of Track that are accepted from now on.
func (s *Server) SetCredentials(siteID, apiKey string) {
	s.SetKeys(Keys{SiteID: siteID, APIKey: apiKey})
}

// SetKeys changes the credentials that are accepted from now on. Those that are empty stay as they are.
func (s *Server) SetKeys(k Keys) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.SiteID = cmp.Or(k.SiteID, s.keys.SiteID)
	s.keys.APIKey = cmp.Or(k.APIKey, s.keys.APIKey)
	s.keys.AppKey = cmp.Or(k.AppKey, s.keys.AppKey)
	s.keys.WriteKey = cmp.Or(k.WriteKey, s.keys.WriteKey)
}

// ServeHTTP answers requests of Track, App and Pipelines, and the emulator's own endpoints under /_emulator/ and /.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, why := s.turnAway(r); status != 0 {
		controlError(w, status, why)
		return
	}
	if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, controlPrefix) && !isFile(r) {
		s.control(w, r)
		return
	}
	x := s.spare.Get().(*exchange.Exchange)
	defer func() {
		x.Forget()
		s.spare.Put(x)
	}()
	x.Region, x.Partial, x.NullLists = s.options.Region, http.StatusMultiStatus, s.options.NullLists
	if s.options.PartialStatusOK {
		x.Partial = http.StatusOK
	}
	s.read(x, r)
	if f, ok := s.faults.pick(x); ok {
		s.misbehave(w, r, x, f)
		return
	}
	s.settle(x, verdict{status: x.Answer.Status})
	x.Answer.Send(w)
}
