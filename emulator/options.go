package emulator

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The credentials of an emulator that was given none.
const (
	DefaultSiteID   = "emulator"
	DefaultAPIKey   = "emulator-key"
	DefaultAppKey   = "emulator-app-key"
	DefaultWriteKey = "emulator-write-key"
)

// Options configure a Server. The zero value is a US workspace with the default credentials and no faults.
type Options struct {
	SiteID string // the user of Basic authentication; DefaultSiteID if empty
	APIKey string // its password; DefaultAPIKey if empty

	AppKey   string // the token of the App API; DefaultAppKey if empty
	WriteKey string // the user of the Pipelines API; DefaultWriteKey if empty

	// NoRateLimits takes requests of the App API as often as they come. Without it, more than 10 in a second, more
	// than 100 transactional messages in a second and more than one broadcast in 10 seconds are answered 429.
	NoRateLimits bool

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

	// NullLists answers lists of the App API that hold nothing as null, as the real service does with some.
	NullLists bool

	// ReactWithin is the time within which people react to what is sent to them: it bounces or is delivered, opened,
	// clicked and more. How somebody reacts to a message depends on its id alone. With 0 nobody reacts.
	ReactWithin time.Duration

	// Exports say how exports of the App API go on.
	Exports Exports

	// Webhook is where reporting webhooks are sent, while SendWebhooks runs.
	Webhook Webhook

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
	if slices.ContainsFunc([]string{o.SiteID, o.APIKey, o.AppKey, o.WriteKey}, looksReal) {
		errs = append(errs, errRealCredentials)
	}
	if strings.Contains(o.WriteKey, ":") {
		errs = append(errs, errors.New("write key: a colon cannot be sent with Basic authentication"))
	}
	if o.RememberIDs < 0 {
		errs = append(errs, errors.New("remember ids: must not be negative"))
	}
	if o.ReactWithin < 0 {
		errs = append(errs, errors.New("react within: must not be negative"))
	}
	errs = append(errs, o.Exports.Validate(), o.Webhook.validate())
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

// looksReal reports whether text has the form of Customer.io's site ids, Track API keys and write keys, which is 20
// hexadecimal digits, or of its App API keys, which is 32.
func looksReal(text string) bool {
	return (len(text) == 20 || len(text) == 32) && strings.Trim(text, "0123456789abcdef") == ""
}

func (o Options) withDefaults() Options {
	if o.SiteID == "" {
		o.SiteID = DefaultSiteID
	}
	if o.APIKey == "" {
		o.APIKey = DefaultAPIKey
	}
	if o.AppKey == "" {
		o.AppKey = DefaultAppKey
	}
	if o.WriteKey == "" {
		o.WriteKey = DefaultWriteKey
	}
	if o.Region == "" {
		o.Region = "us"
	}
	o.Webhook = o.Webhook.withDefaults()
	if o.KeepReceipts == 0 {
		o.KeepReceipts = 100_000
	}
	if o.RememberIDs == 0 {
		o.RememberIDs = 4_000_000
	}
	return o
}
