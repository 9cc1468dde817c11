package reports

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/report"
)

// A progress shows how far a run is: on a terminal in one line that changes, elsewhere in a line every ten seconds.
type progress struct {
	w        io.Writer
	name     string
	terminal bool
	begun    time.Time
	end      chan struct{}
	ended    sync.WaitGroup

	mu        sync.Mutex
	done      report.Counts // of the workspaces before
	workspace string
	now       report.Counts // of the one that is read
	shown     int           // characters of the line
}

const (
	showEvery = 200 * time.Millisecond // on a terminal
	tellEvery = 10 * time.Second
	barWidth  = 20
)

// show begins to show the progress of a report until stop.
func show(w io.Writer, name string) *progress {
	p := &progress{w: w, name: name, terminal: isTerminal(w), begun: time.Now(), end: make(chan struct{})}
	every := tellEvery
	if p.terminal {
		every = showEvery
	}
	p.ended.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-p.end:
				return
			case <-tick.C:
				p.tell()
			}
		}
	})
	return p
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// count takes up how far a workspace is.
func (p *progress) count(workspace string, c report.Counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if workspace != p.workspace {
		p.done, p.workspace = p.done.Plus(p.now), workspace
	}
	p.now = c
}

func (p *progress) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, took := p.done.Plus(p.now), time.Since(p.begun)
	in := ""
	if p.workspace != "" {
		in = " in " + p.workspace
	}
	line := fmt.Sprintf("%s%s: %s, %d published, %d unchanged, %s", p.name, in, output.Count(c.Rows, "row"),
		c.Published, c.Unchanged, took.Round(time.Second))
	if c.Malformed+c.TooLarge > 0 {
		line += ", " + output.Count(c.Malformed+c.TooLarge, "dead letter")
	}
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	// Nobody knows how many rows there will be, so that the bar runs to and fro while some come.
	at := int(took/showEvery) % (2 * barWidth)
	if at >= barWidth {
		at = 2*barWidth - 1 - at
	}
	line = "[" + strings.Repeat(" ", at) + "#" + strings.Repeat(" ", barWidth-1-at) + "] " + line
	fmt.Fprintf(p.w, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// stop ends it. On a terminal the line is taken away.
func (p *progress) stop() {
	close(p.end)
	p.ended.Wait()
	if p.terminal && p.shown > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.shown, "")
	}
}
