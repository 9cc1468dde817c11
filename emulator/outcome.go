package emulator

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/app"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Exports say how exports of the App API go on; see workspace.Exports.
type Exports = workspace.Exports

// isFile reports whether a request is for the file of an export.
func isFile(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, app.FilePath)
}

// SetExports says how exports go on from now.
func (s *Server) SetExports(e Exports) error {
	if err := e.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.Exports = e
	return nil
}

// Exports tells how exports go on.
func (s *Server) Exports() Exports {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.Exports
}

// ReactWithin has people react within that time to what was sent to them and is sent from now on; see Options. Of what
// was sent longer ago everything happens at once, each with the time at which it would have.
func (s *Server) ReactWithin(d time.Duration) error {
	if d < 0 {
		return errors.New("react within: must not be negative")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.ReactWithin(d)
	s.workspace.React(time.Now())
	return nil
}

// Reacting tells within which time people react to what is sent to them; 0 if they do not.
func (s *Server) Reacting() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workspace.Reacting()
}

// Send has a campaign, newsletter, broadcast or transactional message send, as if the user interface had started it.
func (s *Server) Send(o Sending) (deliveries int, err error) {
	if err := o.Validate(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return app.Send(s.workspace, o, time.Now()), nil
}

// Sending is what Send sends; see app.Sending.
type Sending = app.Sending

func (s *Server) controlReactions(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Within *string `json:"within"`
	}
	err := decode(w, r, &given)
	if err == nil && given.Within == nil {
		err = errors.New(`want {"within":"10s"}, or "0s" for nobody to react`)
	}
	var within time.Duration
	if err == nil {
		within, err = time.ParseDuration(*given.Within)
	}
	if err == nil {
		err = s.ReactWithin(within)
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, map[string]string{"within": s.Reacting().String()})
}

func (s *Server) controlDeliveries(w http.ResponseWriter, r *http.Request) {
	var o Sending
	err := decode(w, r, &o)
	n := 0
	if err == nil {
		n, err = s.Send(o)
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, map[string]int{"deliveries": n})
}

// exportsText is Exports as JSON has it.
type exportsText struct {
	Takes     string `json:"takes,omitempty"`
	Link      string `json:"link,omitempty"`
	Rows      int    `json:"rows,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	Malformed []int  `json:"malformed,omitempty"`
	Fail      int    `json:"fail,omitempty"`
}

func exportsJSON(e Exports) exportsText {
	return exportsText{e.Takes.String(), e.Link.String(), e.Rows, e.Bytes, e.Malformed, e.Fail}
}

// controlExports takes how exports go on. What is not given is as if nothing had ever been said of it.
func (s *Server) controlExports(w http.ResponseWriter, r *http.Request) {
	var given exportsText
	err := decode(w, r, &given)
	e := Exports{Rows: given.Rows, Bytes: given.Bytes, Malformed: given.Malformed, Fail: given.Fail}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{{given.Takes, &e.Takes}, {given.Link, &e.Link}} {
		if err == nil && d.text != "" {
			*d.into, err = time.ParseDuration(d.text)
		}
	}
	if err == nil {
		err = s.SetExports(e)
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, exportsJSON(s.Exports()))
}
