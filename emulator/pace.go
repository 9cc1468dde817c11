package emulator

import (
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/emulator/app"
	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// pacer holds requests to their rates. A window begins with the first request that is taken, and takes no more than the
// rate allows until it ends. The zero value is ready. It is safe for concurrent use.
type pacer struct {
	mu      sync.Mutex
	windows map[string]window // by the name of what is limited
}

type window struct {
	began time.Time
	taken int
}

// take counts a request and tells how many more the window takes, or how long it must wait because the window is full.
func (p *pacer) take(pace exchange.Pace, now time.Time) (left int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.windows[pace.Name]
	if ends := w.began.Add(pace.Per); w.taken == 0 || !now.Before(ends) {
		w = window{began: now}
	} else if w.taken >= pace.Requests {
		return 0, ends.Sub(now)
	}
	w.taken++
	if p.windows == nil {
		p.windows = map[string]window{}
	}
	p.windows[pace.Name] = w
	return pace.Requests - w.taken, 0
}

func (p *pacer) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windows = nil
}

// hold refuses a request that comes faster than its API takes them.
func (s *Server) hold(x *exchange.Exchange) {
	if x.Pace.Requests == 0 || x.Refusal != "" || s.options.NoRateLimits {
		return
	}
	left, wait := s.pacer.take(x.Pace, time.Now())
	if wait > 0 {
		x.Refuse(app.TooFast(x.Pace, wait), "over the rate of "+x.Pace.Name)
		return
	}
	if serve := x.Serve; x.Pace.Daily() {
		x.Serve = func(w *workspace.Workspace, now time.Time) exchange.Answer {
			return app.Remaining(serve(w, now), x.Pace, left)
		}
	}
}
