package emulator

import (
	"hash/maphash"
	"net/http"
	"time"
)

// A Trace is what whoever made a call tells of it for the page, since a request does not: by which rule, and of which
// event at which place.
type Trace struct {
	Rule  string `json:"rule,omitempty"`
	Event string `json:"event,omitempty"` // its type
	Place string `json:"origin,omitempty"`
}

// A Letter is a call, or an event, that somebody could not deliver and keeps, shown beside what arrived.
type Letter struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Call   string    `json:"call,omitempty"`
	Trace
}

// What is kept of traces and letters.
const (
	keptTraces  = 50_000
	keptLetters = 1000
)

// traces know of calls by their bytes where they came from. When there are too many the older half is forgotten.
type traces struct {
	seed          maphash.Seed
	latest, older map[uint64]Trace
}

func (t *traces) add(body []byte, of Trace) {
	if t.latest == nil || len(t.latest) >= keptTraces/2 {
		if t.latest == nil {
			t.seed = maphash.MakeSeed()
		}
		t.older, t.latest = t.latest, map[uint64]Trace{}
	}
	t.latest[maphash.Bytes(t.seed, body)] = of
}

func (t *traces) of(body []byte) Trace {
	if t.latest == nil || len(body) == 0 {
		return Trace{}
	}
	key := maphash.Bytes(t.seed, body)
	if found, ok := t.latest[key]; ok {
		return found
	}
	return t.older[key]
}

// ShowTrace tells where a call comes from, which is known by its bytes as they are sent.
func (s *Server) ShowTrace(body []byte, of Trace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traces.add(body, of)
}

// ShowLetters takes the place of the dead letters that the page shows: those that are open now, oldest first.
func (s *Server) ShowLetters(list []Letter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letterCount = len(list)
	s.letters = append([]Letter{}, list[max(0, len(list)-keptLetters):]...)
}

// tracedReceipt is a receipt with what is known of where its call comes from.
type tracedReceipt struct {
	Receipt
	Trace
}

// traced adds to receipts where their calls come from.
func (s *Server) traced(receipts []Receipt) []tracedReceipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]tracedReceipt, len(receipts))
	for i, r := range receipts {
		list[i] = tracedReceipt{r, s.traces.of(r.Body)}
	}
	return list
}

// controlLetters answers {"total":…,"letters":[…]} with the latest, oldest first.
func (s *Server) controlLetters(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", keptLetters)
	if err != nil || limit < 1 {
		controlError(w, http.StatusBadRequest, "limit must be a whole number, at least 1")
		return
	}
	s.mu.Lock()
	letters, total := s.letters, s.letterCount
	s.mu.Unlock()
	reply(w, map[string]any{"total": total, "letters": append([]Letter{}, letters[max(0, len(letters)-limit):]...)})
}

// controlShowLetters takes {"letters":[…]}: what is open now.
func (s *Server) controlShowLetters(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Letters []Letter `json:"letters"`
	}
	if err := decode(w, r, &given); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	s.ShowLetters(given.Letters)
	reply(w, struct{}{})
}
