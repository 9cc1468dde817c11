package emulator

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// The credentials of an emulator that was given none.
const (
	DefaultSiteID = "emulator"
	DefaultAPIKey = "emulator-key"
)

// Options configure a Server. The zero value is a US workspace with the default credentials and no faults.
type Options struct {
	SiteID string // the user of Basic authentication; DefaultSiteID if empty
	APIKey string // its password; DefaultAPIKey if empty

	// Region is where the workspace lives, "us" or "eu"; empty means "us". A request that names Customer.io's own
	// host in its Host header meets what the real hosts do: the US host forwards to the EU, the EU host refuses a US
	// workspace.
	Region string

	// Hosts are the names and addresses by which the emulator may be asked beside loopback ones and Customer.io's
	// own, without ports. A request for any other host is refused, because a web page could have made its own name
	// lead here.
	Hosts []string

	Seed   uint64  // what the probabilities of faults are drawn from
	Faults []Fault // in force from the start, in the order in which they are asked

	// KeepReceipts is how many receipts are kept, and 256 MiB of their bodies at most; 0 means 100,000. A negative
	// number keeps every receipt, for tests that account for all of them.
	KeepReceipts int

	// RememberIDs is how many event ids are remembered for de-duplication; 0 means 4,000,000. At least the latest
	// half is known at any time. How long Customer.io remembers is not documented.
	RememberIDs int

	// PartialStatusOK answers a batch of which some items are refused with a 200 in the place of the documented 207,
	// as the real service was seen to do. The body is the same.
	PartialStatusOK bool

	// ReceiptLog, if set, gets every receipt as a line of JSON, with one Write for each request, before the request
	// is answered. A request whose receipts cannot be written is answered 500.
	ReceiptLog io.Writer
}

// Validate reports everything that New would not accept.
func (o Options) Validate() error {
	var errs []error
	if o.Region != "" && o.Region != "us" && o.Region != "eu" {
		errs = append(errs, fmt.Errorf("region: %q is not a region of Customer.io: use us or eu", o.Region))
	}
	if strings.Contains(o.SiteID, ":") {
		errs = append(errs, errors.New("site id: a colon cannot be sent with Basic authentication"))
	}
	if looksReal(o.SiteID) || looksReal(o.APIKey) {
		errs = append(errs, errRealCredentials)
	}
	if o.RememberIDs < 0 {
		errs = append(errs, errors.New("remember ids: must not be negative"))
	}
	for _, f := range o.Faults {
		if err := f.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// errRealCredentials keeps keys of a real workspace out of a program that shows everything to whoever asks.
var errRealCredentials = errors.New("credentials: these look like a real workspace's, " +
	"which have no place in an emulator: make some up")

// looksReal reports whether text has the form of Customer.io's site ids and Track API keys, which is 20 hexadecimal
// digits.
func looksReal(text string) bool {
	return len(text) == 20 && strings.Trim(text, "0123456789abcdef") == ""
}

func (o Options) withDefaults() Options {
	if o.SiteID == "" {
		o.SiteID = DefaultSiteID
	}
	if o.APIKey == "" {
		o.APIKey = DefaultAPIKey
	}
	if o.Region == "" {
		o.Region = "us"
	}
	if o.KeepReceipts == 0 {
		o.KeepReceipts = 100_000
	}
	if o.RememberIDs == 0 {
		o.RememberIDs = 4_000_000
	}
	return o
}

// Server is the emulator. It is an http.Handler, safe for concurrent use, and starts no goroutines.
//
// ServeHTTP turns away web pages, answers the emulator's own endpoints, and makes an exchange of every Track request.
// An exchange that meets a fault ends as the fault says; any other is settled and answered. Receipts, People,
// Objects, Stats and FaultCounts tell what has happened so far. Reset forgets all of that, and the Server is as new
// but for its credentials. A Server needs no closing; the http.Server around it does.
type Server struct {
	options Options
	hosts   []string
	faults  *faults
	spare   sync.Pool // of *exchange

	mu             sync.Mutex // guards what follows
	siteID, apiKey string
	workspace      *workspace
	book           *book
	stats          Stats
	logLine        []byte
}

// New makes a server. It panics on options that Options.Validate refuses.
func New(o Options) *Server {
	if err := o.Validate(); err != nil {
		panic(fmt.Errorf("emulator options: %w", err))
	}
	o = o.withDefaults()
	s := &Server{options: o, siteID: o.SiteID, apiKey: o.APIKey, faults: newFaults(o.Seed)}
	for _, host := range o.Hosts {
		s.hosts = append(s.hosts, hostname(host))
	}
	s.spare.New = func() any { return new(exchange) }
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
	s.workspace = newWorkspace(s.options.RememberIDs)
	s.book = newBook(s.options.KeepReceipts)
	s.stats = Stats{ByStatus: map[int]int{}}
}

// SetCredentials changes the credentials that are accepted from now on.
func (s *Server) SetCredentials(siteID, apiKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.siteID, s.apiKey = siteID, apiKey
}

// ServeHTTP answers Track requests, and the emulator's own endpoints under /_emulator/ and /.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, why := s.turnAway(r); status != 0 {
		controlError(w, status, why)
		return
	}
	if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control(w, r)
		return
	}
	x := s.spare.Get().(*exchange)
	defer func() {
		x.forget()
		s.spare.Put(x)
	}()
	x.region, x.partial = s.options.Region, http.StatusMultiStatus
	if s.options.PartialStatusOK {
		x.partial = http.StatusOK
	}
	x.read(r, s.authentic(r))
	if f, ok := s.faults.pick(x); ok {
		s.misbehave(w, r, x, f)
		return
	}
	s.settle(x, verdict{status: x.answer.status})
	x.answer.send(w)
}

// authentic reports whether the request carries the workspace's credentials, to a host that knows the workspace.
func (s *Server) authentic(r *http.Request) bool {
	site, key, ok := basicAuth(r)
	s.mu.Lock()
	want, wantKey := s.siteID, s.apiKey
	s.mu.Unlock()
	if !ok || subtle.ConstantTimeCompare([]byte(site), []byte(want))&subtle.ConstantTimeCompare([]byte(key),
		[]byte(wantKey)) == 0 {
		return false
	}
	europe := strings.HasPrefix(r.Host, "track-eu.customer.io")
	return !europe || s.options.Region == "eu" || r.URL.Path == regionPath
}

// basicAuth reads Basic credentials, also where their base64 is the one for URLs, as a client of Customer.io writes it.
func basicAuth(r *http.Request) (site, key string, ok bool) {
	if site, key, ok = r.BasicAuth(); ok {
		return site, key, ok
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	decoded, err := base64.URLEncoding.DecodeString(text)
	if !strings.EqualFold(scheme, "basic") || err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}
