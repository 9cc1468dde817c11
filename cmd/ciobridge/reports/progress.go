package reports

import (
	"fmt"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/report"
)

// A progress is how far a run of a report is.
type progress struct {
	name string

	mu        sync.Mutex
	done      report.Counts // of the workspaces before
	workspace string
	now       report.Counts // of the one that is read
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

// state tells it. Nobody knows how many rows there will be.
func (p *progress) state(took time.Duration) cli.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.done.Plus(p.now)
	in := ""
	if p.workspace != "" {
		in = " in " + p.workspace
	}
	line := fmt.Sprintf("%s%s: %s, %d published, %d unchanged, %s", p.name, in, output.Count(c.Rows, "row"),
		c.Published, c.Unchanged, took.Round(time.Second))
	if c.Malformed+c.TooLarge > 0 {
		line += ", " + output.Count(c.Malformed+c.TooLarge, "dead letter")
	}
	return cli.State{Text: line}
}
