package status

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

//go:embed page.html
var page []byte

// Page is the operator's page, and what it asks: the status, and the letters. It is read only.
type Page struct {
	status  func() Status
	letters func() deadletter.Reader

	reading chan struct{} // full while the log of letters is read, which is done by one request at a time

	mu     sync.Mutex
	latest []byte // the answer with the latest letters
	at     time.Time
}

// What a request may take of the log of letters.
const (
	readLimit   = 20 * time.Second
	latestStand = 10 * time.Second // as long an answer is given again
	mostLatest  = 100
)

// NewPage makes a page. Letters is where they can be read; it gives nil before that is known.
func NewPage(status func() Status, letters func() deadletter.Reader) *Page {
	return &Page{status: status, letters: letters, reading: make(chan struct{}, 1)}
}

// Handle adds the page and what it asks to a server.
func (p *Page) Handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src "+
			"'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(page) // whoever asked may have gone
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, encode(p.status())) })
	mux.HandleFunc("GET /letters", p.answerLatest)
	mux.HandleFunc("GET /letters/{id}", p.answerStory)
}

// encode writes JSON. Types of events come from whoever publishes them: <, > and & are escaped.
func encode(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // these are plain values
	}
	return append(text, '\n')
}

// answer sends JSON and says that it is nothing else, so that no browser takes it for a page.
func answer(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // whoever asked may have gone
}

// answerLatest answers {"open":…,"letters":[…]}: how many are open, and the last of them in the order of a replay.
func (p *Page) answerLatest(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	text := p.latest
	if time.Since(p.at) > latestStand {
		text = nil
	}
	p.mu.Unlock()
	if text != nil {
		answer(w, text)
		return
	}
	p.read(w, r, func(ctx context.Context, log deadletter.Reader) ([]byte, error) {
		open, letters, err := latest(ctx, log)
		if err != nil {
			return nil, err
		}
		text := encode(map[string]any{"open": open, "letters": letters})
		p.mu.Lock()
		p.latest, p.at = text, time.Now()
		p.mu.Unlock()
		return text, nil
	})
}

func latest(ctx context.Context, log deadletter.Reader) (open int, letters []Letter, err error) {
	s, err := deadletter.Select(ctx, log, &deadletter.Filter{All: true})
	if err != nil {
		return 0, nil, err
	}
	reader := deadletter.NewLetterReader(log)
	letters = []Letter{}
	for _, chosen := range s.Letters[max(0, len(s.Letters)-mostLatest):] {
		l, err := reader.Read(ctx, &chosen)
		switch {
		case errors.Is(err, deadletter.ErrGone):
		case err != nil:
			return 0, nil, err
		default:
			letters = append(letters, newLetter(l, true))
		}
	}
	return s.Open, letters, nil
}

// answerStory answers {"letters":[…],"value":…} with all that is known of a letter, and the shape of its event.
func (p *Page) answerStory(w http.ResponseWriter, r *http.Request) {
	id, err := event.ParseID(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.read(w, r, func(ctx context.Context, log deadletter.Reader) ([]byte, error) {
		list, err := deadletter.Show(ctx, log, id)
		if err != nil {
			return nil, err
		}
		letters := make([]Letter, len(list))
		for i, h := range list {
			letters[i] = TellLetter(h)
		}
		return encode(map[string]any{"letters": letters,
			"value": string(deadletter.Masked(list[0].Letters[0].Message.Value))}), nil
	})
}

// read answers with what is read of the log: one request at a time reads it, and the others are told to come later.
func (p *Page) read(
	w http.ResponseWriter, r *http.Request, read func(context.Context, deadletter.Reader) ([]byte, error),
) {
	log := p.letters()
	if log == nil {
		http.Error(w, "the bridge has not reached its dead letters yet", http.StatusServiceUnavailable)
		return
	}
	select {
	case p.reading <- struct{}{}:
		defer func() { <-p.reading }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "another request reads the letters", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readLimit)
	defer cancel()
	text, err := read(ctx, log)
	switch {
	case errors.Is(err, deadletter.ErrUnknownLetter):
		http.Error(w, "no such letter", http.StatusNotFound)
	case err != nil:
		http.Error(w, "the dead letters cannot be read: ciobridge dlq list tells why", http.StatusBadGateway)
	default:
		answer(w, text)
	}
}
