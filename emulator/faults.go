package emulator

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/fault"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Fault is one way to misbehave and when to do it; see package fault.
type Fault = fault.Fault

// ParseFault reads the form that command lines use; see fault.Parse.
func ParseFault(spec string) (Fault, error) { return fault.Parse(spec) }

// Shard tells in which of n parts a person is, so that tests can choose people. Person is kind:value, as in receipts.
func Shard(person string, n int) int { return fault.Shard(person, n) }

// faults is the list of faults in force, with the memory of how often each fired. It is safe for concurrent use.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	seed   uint64
	list   []*armed
	fired  map[string]int // by name, of removed faults too
}

// armed is a fault in force.
type armed struct {
	Fault
	until   time.Time
	matched int
	fired   int
}

func newFaults(seed uint64) *faults {
	s := &faults{seed: seed}
	s.clear()
	return s
}

func (s *faults) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.fired, s.random = nil, map[string]int{}, rand.New(rand.NewPCG(s.seed, s.seed))
}

// add puts a valid fault at the end of the list, or in the place of the one that has its name, and returns the name.
func (s *faults) add(f Fault) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Name == "" {
		f.Name = s.freeName(f.Effect())
	}
	if f.Nth > 0 && f.Times == 0 {
		f.Times = 1
	}
	a := &armed{Fault: f}
	if f.For > 0 {
		a.until = time.Now().Add(f.For)
	}
	if _, ok := s.fired[f.Name]; !ok {
		s.fired[f.Name] = 0
	}
	for i, old := range s.list {
		if old.Name == f.Name {
			s.list[i] = a
			return f.Name
		}
	}
	s.list = append(s.list, a)
	return f.Name
}

func (s *faults) freeName(name string) string {
	free := name
	for n := 2; ; n++ {
		if _, taken := s.fired[free]; !taken {
			return free
		}
		free = name + " #" + strconv.Itoa(n)
	}
}

// remove takes the fault of that name out of force, or all if name is empty, and returns how many there were.
func (s *faults) remove(name string) (removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*armed
	for _, a := range s.list {
		if name == "" || a.Name == name {
			removed++
		} else {
			kept = append(kept, a)
		}
	}
	s.list = kept
	return removed
}

// pick returns the fault that a request meets, and counts it.
func (s *faults) pick(x *exchange.Exchange) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.list {
		if a.spent() || !matches(&a.Fault, x) {
			continue
		}
		a.matched++
		if a.matched < a.Nth || a.Probability > 0 && s.random.Float64() >= a.Probability {
			continue
		}
		a.fired++
		s.fired[a.Name]++
		return a.Fault, true
	}
	return Fault{}, false
}

// matches reports whether a request meets the conditions of a fault.
func matches(f *Fault, x *exchange.Exchange) bool {
	noCalls := x.Refusal != "" || f.Item > len(x.Calls) || len(x.Calls) == 0
	if !strings.HasPrefix(x.Path, f.Path) || f.Refuse != "" && noCalls {
		return false
	}
	if f.Person == "" && f.Shard == "" && f.Contains == "" {
		return true
	}
	for i := range x.Calls {
		if matchesCall(f, &x.Calls[i]) {
			return true
		}
	}
	return false
}

func matchesCall(f *Fault, c *workspace.Call) bool {
	if !strings.Contains(c.Raw, f.Contains) {
		return false
	}
	return f.MatchesPerson(c.Who.String()) || c.Other.Kind != "" && f.MatchesPerson(c.Other.String())
}

// AddFault puts a fault into force and returns its name.
func (s *Server) AddFault(f Fault) (name string, err error) {
	if err := f.Validate(); err != nil {
		return "", err
	}
	return s.faults.add(f), nil
}

// RemoveFault takes a fault out of force and reports whether it was in force. How often it fired stays known.
func (s *Server) RemoveFault(name string) bool {
	return name != "" && s.faults.remove(name) > 0
}

// ClearFaults takes all faults out of force.
func (s *Server) ClearFaults() { s.faults.remove("") }

// FaultCounts tells how often each fault has fired since the last Reset, removed ones included.
func (s *Server) FaultCounts() map[string]int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return maps.Clone(s.faults.fired)
}

// states lists the faults in force, each with how often it matched and fired.
func (s *faults) states() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []any{}
	for _, a := range s.list {
		out = append(out, struct {
			Fault   Fault `json:"fault"`
			Matched int   `json:"matched"`
			Fired   int   `json:"fired"`
			Spent   bool  `json:"spent"` // it will not fire again
		}{a.Fault, a.matched, a.fired, a.spent()})
	}
	return out
}

func (a *armed) spent() bool {
	return !a.until.IsZero() && !time.Now().Before(a.until) || a.Times > 0 && a.fired >= a.Times
}
