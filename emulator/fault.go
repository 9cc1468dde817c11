package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is one way to misbehave and when to do it. The first fault of the list that matches a request is the one it meets.
//
// A fault without conditions meets every Track request. With several, all must hold. Person, Shard and Contains are asked of each call
// of a request, and one call is enough.
type Fault struct {
	Name string // how it is counted; made from the effect if empty. Adding a fault of the same name replaces it

	Path        string        // the request's path begins so; empty means any Track path
	Person      string        // a call is for such a person: a glob over kind:value, such as "id:vip-*"; a star matches anything
	Shard       string        // "i/n": a call is for a person in part i, from 0, of n parts by hash
	Contains    string        // a call has these bytes in its body
	Nth         int           // from the nth match on, 1 being the first; then Times defaults to 1
	Times       int           // at most so often; 0 means for ever
	Probability float64       // with this chance, drawn from the seed; 0 means always
	For         time.Duration // until so long after it was added; 0 means for ever

	Status     int           // answer with this status
	Body       string        // with this body; {} if empty. One that begins with < is sent as HTML
	Location   string        // with this Location
	RetryAfter string        // with this Retry-After, as it is; "date+30s" becomes the HTTP date 30 s after the request
	Latency    time.Duration // wait first; alone, the request is then carried out and answered as usual
	Hang       string        // never answer: "headers" waits before the status line, "body" in the middle of a body. It ends with the client
	Reset      bool          // close the connection without an answer
	Refuse     string        // refuse calls with this reason: Item, or those that match Person, Shard and Contains
	Item       int           // with Refuse: the place of the call in the batch, counted from 1; 0 means every call that matches

	// Applied carries the request out, receipts included, before Status, Hang, Reset or Latency have their way: "applied but
	// unanswered". Without it those keep the request from having any effect.
	Applied bool
}

// Validate reports everything that is wrong with the fault.
func (f Fault) Validate() error {
	var errs []error
	bad := func(key, want string) {
		errs = append(errs, fmt.Errorf("fault %q: %s: %s", f.Name, key, want))
	}
	if f.Probability < 0 || f.Probability > 1 {
		bad("probability", "must be from 0 to 1")
	}
	if f.Nth < 0 || f.Times < 0 || f.Item < 0 {
		bad("nth, times, item", "must not be negative")
	}
	if f.For < 0 || f.Latency < 0 {
		bad("for, latency", "must not be negative")
	}
	if f.Shard != "" {
		if _, _, err := parseShard(f.Shard); err != nil {
			bad("shard", err.Error())
		}
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		bad("status", "must be from 200 to 599")
	}
	if d, ok := strings.CutPrefix(f.RetryAfter, "date+"); ok {
		if _, err := time.ParseDuration(d); err != nil {
			bad("retry_after", "date+ must be followed by a duration, such as date+30s")
		}
	}
	if f.Hang != "" && f.Hang != "headers" && f.Hang != "body" {
		bad("hang", "must be headers or body")
	}
	ends := 0
	for _, set := range []bool{f.Status != 0, f.Hang != "", f.Reset, f.Refuse != ""} {
		if set {
			ends++
		}
	}
	if ends > 1 {
		bad("effect", "must be one of status, hang, reset or refuse")
	}
	if ends == 0 && f.Latency == 0 {
		bad("effect", "must be status, hang, reset, refuse or latency")
	}
	if f.Status == 0 && f.Body+f.Location+f.RetryAfter != "" {
		bad("body, location, retry_after", "need a status")
	}
	if f.Refuse == "" && f.Item != 0 {
		bad("item", "needs refuse")
	}
	if f.Refuse != "" && f.Applied {
		bad("applied", "cannot be said of a refusal")
	}
	return errors.Join(errs...)
}

// ParseFault reads the form that command lines use: "status=503,probability=0.1". The keys are the fields in snake case; reset and
// applied stand alone; a value with a comma is written as a JSON string.
func ParseFault(spec string) (Fault, error) {
	var f Fault
	rest := spec
	for rest != "" {
		var key, value string
		cut := strings.IndexAny(rest, "=,")
		if cut < 0 || rest[cut] == ',' {
			key, value, rest = flagOnly(rest, cut)
		} else {
			key = rest[:cut]
			var err error
			if value, rest, err = specValue(rest[cut+1:]); err != nil {
				return Fault{}, fmt.Errorf("fault %q: %s: %w", spec, key, err)
			}
		}
		if err := f.set(strings.TrimSpace(key), value); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", spec, err)
		}
	}
	return f, f.Validate()
}

func flagOnly(s string, cut int) (key, value, rest string) {
	if cut < 0 {
		return s, "true", ""
	}
	return s[:cut], "true", s[cut+1:]
}

func specValue(s string) (value, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		in := json.NewDecoder(strings.NewReader(s))
		if err := in.Decode(&value); err != nil {
			return "", "", fmt.Errorf("not a JSON string: %w", err)
		}
		rest = s[in.InputOffset():]
		if rest != "" && rest[0] != ',' {
			return "", "", errors.New("want a comma after a JSON string")
		}
		return value, strings.TrimPrefix(rest, ","), nil
	}
	value, rest, _ = strings.Cut(s, ",")
	return value, rest, nil
}

// set gives a field its value from text. It is the only place that knows the names of the fields.
func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "name":
		f.Name = value
	case "path":
		f.Path = value
	case "person":
		f.Person = value
	case "shard":
		f.Shard = value
	case "contains":
		f.Contains = value
	case "body":
		f.Body = value
	case "location":
		f.Location = value
	case "retry_after":
		f.RetryAfter = value
	case "hang":
		f.Hang = value
	case "refuse":
		f.Refuse = value
	case "nth":
		f.Nth, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "item":
		f.Item, err = strconv.Atoi(value)
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "for":
		f.For, err = time.ParseDuration(value)
	case "latency":
		f.Latency, err = time.ParseDuration(value)
	case "reset":
		f.Reset, err = strconv.ParseBool(value)
	case "applied":
		f.Applied, err = strconv.ParseBool(value)
	default:
		return fmt.Errorf("%q is not a part of a fault", key)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func parseShard(s string) (i, n uint64, err error) {
	part, of, ok := strings.Cut(s, "/")
	i, err = strconv.ParseUint(part, 10, 32)
	n, err2 := strconv.ParseUint(of, 10, 32)
	if !ok || err != nil || err2 != nil || i >= n {
		return 0, 0, fmt.Errorf("%q is not i/n with i below n, such as 0/4", s)
	}
	return i, n, nil
}

// Shard tells in which of n parts a person is, so that tests can choose people. Person is kind:value, as in receipts.
func Shard(person string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(person))
	return int(h.Sum64() % uint64(n))
}

// effect names what the fault does, for faults without a name.
func (f *Fault) effect() string {
	name := "latency"
	switch {
	case f.Status != 0:
		name = strconv.Itoa(f.Status) + " " + http.StatusText(f.Status)
	case f.Hang != "":
		name = "hang in " + f.Hang
	case f.Reset:
		name = "reset"
	case f.Refuse != "":
		name = "refuse " + f.Refuse
	}
	if f.Applied {
		name += " after applying"
	}
	return name
}
