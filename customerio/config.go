package customerio

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
)

// Config says which workspace receives the calls and how hard it may be pressed.
type Config struct {
	// Region is us or eu. It has no default, because a wrong one sends personal data through the wrong continent.
	Region Region `yaml:"region,lower"`
	// SiteIDFile or SiteIDEnv, and APIKeyFile or APIKeyEnv, say where the workspace's Track credentials are read. They
	// are read as a pair and again when a file's content changes.
	SiteIDFile string `yaml:"site_id_file"`
	SiteIDEnv  string `yaml:"site_id_env"`
	APIKeyFile string `yaml:"api_key_file"`
	APIKeyEnv  string `yaml:"api_key_env"`
	// AppKeyFile or AppKeyEnv says where the App API key is read, which opens App and Beta, and WriteKeyFile or
	// WriteKeyEnv where the write key of Pipelines is. They are needed only where something uses these APIs, and are
	// read again when a file's content changes.
	AppKeyFile   string `yaml:"app_key_file"`
	AppKeyEnv    string `yaml:"app_key_env"`
	WriteKeyFile string `yaml:"write_key_file"`
	WriteKeyEnv  string `yaml:"write_key_env"`
	// URL is sent to instead of the region's own hosts, whatever the API: the emulator, or a gateway. Plain http is for
	// loopback addresses, private addresses and private names only, because the credentials travel in every request.
	URL string `yaml:"url"`
	// Proxy is the URL of an HTTP proxy, without credentials. The usual environment variables are not looked at.
	Proxy string `yaml:"proxy"`
	// Allow names the destructive actions that rules may use; see DestructiveActions.
	Allow []string `yaml:"allow"`
	// ReservedIDs changes which identifiers are refused because they stand for no person, such as null and 0.
	ReservedIDs ReservedIDs `yaml:"reserved_ids"`
	// RequestsPerSecond is the workspace's budget, shared by all replicas. Customer.io states 1000 as the most that it
	// means to take and has named 100 as fair use; a batch counts as one request.
	RequestsPerSecond int `yaml:"requests_per_second"`
	// AppRequestsPerSecond is the budget of App and Beta, TransactionalRequestsPerSecond that of transactional messages
	// and PipelinesRequestsPerSecond that of Pipelines. The defaults are what Customer.io documents: 10, 100 and 1000.
	AppRequestsPerSecond           int `yaml:"app_requests_per_second"`
	TransactionalRequestsPerSecond int `yaml:"transactional_requests_per_second"`
	PipelinesRequestsPerSecond     int `yaml:"pipelines_requests_per_second"`
	// BroadcastInterval is the time between two triggers of broadcasts. Customer.io takes one in 10 s.
	BroadcastInterval time.Duration `yaml:"broadcast_interval"`
	// Timeout ends one exchange, from connecting to the last byte of the answer.
	Timeout time.Duration `yaml:"timeout"`
}

// The limits of RequestsPerSecond and Timeout. A request must come to an end within the 15 s that a stopping bridge
// waits.
const (
	maxRequestsPerSecond = 1000
	maxElsewhere         = 100_000 // requests a second where the configuration names a URL, such as an emulator's
	minTimeout           = 100 * time.Millisecond
	maxTimeout           = 14 * time.Second

	broadcastInterval = 10 * time.Second // that Customer.io documents
	maxInterval       = time.Hour
)

// DefaultConfig gives the values of what may be left out: 100 requests a second to Track, what Customer.io documents
// for the other APIs, and a time-out of 10 s.
func DefaultConfig() Config {
	return Config{
		RequestsPerSecond: 100, AppRequestsPerSecond: 10, TransactionalRequestsPerSecond: 100,
		PipelinesRequestsPerSecond: 1000, BroadcastInterval: broadcastInterval, Timeout: 10 * time.Second,
	}
}

// Hint says what to write in place of a key that would hold a secret.
func (Config) Hint(key string) string {
	switch strings.ReplaceAll(strings.ToLower(key), "-", "_") {
	case "api_key", "apikey", "track_api_key", "key", "secret":
		return "a secret is not written into the configuration: write api_key_file: PATH, or api_key_env: NAME"
	case "app_key", "app_api_key", "appkey":
		return "a secret is not written into the configuration: write app_key_file: PATH, or app_key_env: NAME"
	case "write_key", "writekey", "pipelines_key", "cdp_key":
		return "a secret is not written into the configuration: write write_key_file: PATH, or write_key_env: NAME"
	case "site_id", "siteid":
		return "write site_id_file: PATH, or site_id_env: NAME"
	}
	return ""
}

// Validate reports every mistake, each beginning with the field's name. It reads no files.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	if c.Region == "" {
		errs = append(errs, mistake.Of("region: is missing: give us or eu, as the workspace's settings show it"))
	} else {
		check(c.Region.URL(TrackAPI) != "", "region: is neither us nor eu")
	}
	errs = append(errs, oneOf("site_id", c.siteID()), oneOf("api_key", c.apiKey()), atMostOne("app_key", c.appKey()),
		atMostOne("write_key", c.writeKey()))
	if c.URL != "" {
		errs = append(errs, checkURL("url", c.URL, true))
	}
	if c.Proxy != "" {
		errs = append(errs, checkURL("proxy", c.Proxy, false))
	}
	for i, action := range c.Allow {
		check(slices.Contains(DestructiveActions(), action), "allow[%d]: is not a destructive action: give some of %s",
			i, strings.Join(DestructiveActions(), ", "))
	}
	errs = append(errs, mistake.Under("reserved_ids", errors.Join(c.ReservedIDs.Validate()...)))
	errs = append(errs, c.validatePaces())
	check(c.Timeout >= minTimeout && c.Timeout <= maxTimeout, "timeout: %s is outside %s to %s", c.Timeout, minTimeout,
		maxTimeout)
	return errors.Join(errs...)
}

// validatePaces allows any pace where something else than Customer.io is asked.
func (c Config) validatePaces() error {
	most, shortest := maxRequestsPerSecond, broadcastInterval
	if c.URL != "" {
		most, shortest = maxElsewhere, time.Millisecond
	}
	var errs []error
	for _, budget := range []struct {
		key   string
		value int
	}{
		{"requests_per_second", c.RequestsPerSecond}, {"app_requests_per_second", c.AppRequestsPerSecond},
		{"transactional_requests_per_second", c.TransactionalRequestsPerSecond},
		{"pipelines_requests_per_second", c.PipelinesRequestsPerSecond},
	} {
		if budget.value < 1 || budget.value > most {
			errs = append(errs, mistake.Of("%s: %d is outside 1 to %d", budget.key, budget.value, most))
		}
	}
	if c.BroadcastInterval < shortest || c.BroadcastInterval > maxInterval {
		errs = append(errs, mistake.Of("broadcast_interval: %s is outside %s to %s", c.BroadcastInterval, shortest,
			maxInterval))
	}
	return errors.Join(errs...)
}

func (c Config) siteID() secret.Ref   { return secret.Ref{File: c.SiteIDFile, Env: c.SiteIDEnv} }
func (c Config) apiKey() secret.Ref   { return secret.Ref{File: c.APIKeyFile, Env: c.APIKeyEnv} }
func (c Config) appKey() secret.Ref   { return secret.Ref{File: c.AppKeyFile, Env: c.AppKeyEnv} }
func (c Config) writeKey() secret.Ref { return secret.Ref{File: c.WriteKeyFile, Env: c.WriteKeyEnv} }

// Lacks names the key under which the credentials of an API would have to stand, and do not. It is empty where they
// are given.
func (c Config) Lacks(api API) string {
	switch {
	case (api == AppAPI || api == BetaAPI) && c.appKey().IsZero():
		return "app_key_file"
	case api == PipelinesAPI && c.writeKey().IsZero():
		return "write_key_file"
	}
	return "" // Validate asks for those of Track
}

// root is where requests to an API go, without a slash at its end.
func (c Config) root(api API) string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	return c.Region.URL(api)
}

func atMostOne(field string, ref secret.Ref) error {
	if ref.IsZero() {
		return nil
	}
	return oneOf(field, ref)
}

func oneOf(field string, ref secret.Ref) error {
	switch {
	case ref.IsZero():
		return mistake.Of("%s_file: is missing: give %s_file or %s_env", field, field, field)
	case ref.Validate() != nil:
		return mistake.Of("%s_file: stands beside %s_env: give one of them", field, field)
	}
	return nil
}

// checkURL never quotes the URL, in which somebody may have written a password.
func checkURL(field, text string, secure bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return mistake.Of("%s: is not a URL with a host, such as https://gateway.example.com", field)
	case u.Scheme != "https" && u.Scheme != "http":
		return mistake.Of("%s: has another scheme than https or http", field)
	case u.User != nil:
		return mistake.Of("%s: has a user name or password in it: they do not belong there", field)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return mistake.Of("%s: has more than scheme, host and port", field)
	case secure && u.Scheme == "http" && !private(u.Hostname()):
		return mistake.Of("%s: plain http would show the API key to the network: give https, or a loopback or "+
			"private host", field)
	}
	return nil
}

// private reports whether a host cannot be one on the public internet: loopback and private addresses, names of one
// label, as containers have, and names under domains that are kept for private use.
func private(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".test", ".home.arpa", ".svc"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
