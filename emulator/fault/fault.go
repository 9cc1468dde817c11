package fault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is one way to misbehave and when to do it. The first fault of the list that matches a request is the one it
// meets.
//
// A fault without conditions meets every Track request. With several, all must hold. Person, Shard and Contains are
// asked of each call of a request, and one call is enough.
type Fault struct {
	Name string // how it is counted; made from the effect if empty. Adding a fault of the same name replaces it

	Path string // the request's path begins so; empty means any Track path
	// a call is for such a person: a glob over kind:value, such as "id:vip-*"; a star matches anything
	Person      string
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
	// never answer: "headers" waits before the status line, "body" in the middle of a body. It ends with the client
	Hang   string
	Reset  bool   // close the connection without an answer
	Break  int64  // answer as usual, and break off after so many bytes of the body; 0 means not
	Refuse string // refuse calls with this reason: Item, or those that match Person, Shard and Contains
	// with Refuse: the place of the call in the batch, counted from 1; 0 means every call that matches
	Item int

	// Applied carries the request out, receipts included, before Status, Hang, Reset or Latency have their way:
	// "applied but unanswered". Without it those keep the request from having any effect.
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
	for _, set := range []bool{f.Status != 0, f.Hang != "", f.Reset, f.Refuse != "", f.Break != 0} {
		if set {
			ends++
		}
	}
	if ends > 1 {
		bad("effect", "must be one of status, hang, reset, break or refuse")
	}
	if ends == 0 && f.Latency == 0 {
		bad("effect", "must be status, hang, reset, break, refuse or latency")
	}
	if f.Break < 0 {
		bad("break", "must not be negative")
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

// Effect names what the fault does, for faults without a name.
func (f *Fault) Effect() string {
	name := "latency"
	switch {
	case f.Status != 0:
		name = strconv.Itoa(f.Status) + " " + http.StatusText(f.Status)
	case f.Hang != "":
		name = "hang in " + f.Hang
	case f.Reset:
		name = "reset"
	case f.Break != 0:
		name = "break"
	case f.Refuse != "":
		name = "refuse " + f.Refuse
	}
	if f.Applied {
		name += " after applying"
	}
	return name
}

// MatchesPerson reports whether the fault is for a person, who is kind:value, as in receipts.
func (f *Fault) MatchesPerson(person string) bool {
	if f.Person == "" && f.Shard == "" {
		return true
	}
	if f.Shard != "" {
		part, of, _ := parseShard(f.Shard)
		if uint64(Shard(person, int(of))) != part {
			return false
		}
	}
	return f.Person == "" || glob(f.Person, person)
}

// glob matches a pattern in which a star stands for any run of bytes.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}
