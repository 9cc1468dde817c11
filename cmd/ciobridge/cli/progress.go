package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// A State is how far something is.
type State struct {
	Text        string
	Done, Total int // steps; Total is 0 where nobody knows how many there will be
}

// A Progress shows how far something is: on a terminal in one line that changes, elsewhere in a line every ten seconds.
// It must be stopped.
type Progress struct {
	w     io.Writer
	tell  func(took time.Duration) State
	width func() int // of the terminal; nil where there is none
	begun time.Time

	stop  sync.Once
	end   chan struct{}
	ended sync.WaitGroup

	shown int // characters of the line
}

const (
	showEvery = 200 * time.Millisecond // on a terminal
	tellEvery = 10 * time.Second
	barWidth  = 20
)

// ShowProgress shows until Stop what tell says, which is called from another goroutine.
func ShowProgress(w io.Writer, tell func(took time.Duration) State) *Progress {
	p := &Progress{w: w, tell: tell, width: widthOf(w), begun: time.Now(), end: make(chan struct{})}
	every := tellEvery
	if p.width != nil {
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
				p.show()
			}
		}
	})
	return p
}

// widthOf measures a terminal; it is nil for anything else.
func widthOf(w io.Writer) func() int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil || width < barWidth {
			return 80
		}
		return width
	}
}

func (p *Progress) show() {
	took := time.Since(p.begun)
	s := p.tell(took)
	if p.width == nil {
		fmt.Fprintln(p.w, s.Text)
		return
	}
	width, text := p.width(), s.Text
	if width >= 3*barWidth {
		text = bar(s, took) + " " + text
	}
	line := []rune(text)
	line = line[:min(len(line), width-1)] // a line that wraps could not be written over
	fmt.Fprintf(p.w, "\r%-*s", p.shown, string(line))
	p.shown = utf8.RuneCountInString(string(line))
}

// bar fills up; where nobody knows how much there will be, a mark runs to and fro.
func bar(s State, took time.Duration) string {
	if s.Total > 0 {
		full := barWidth * min(s.Done, s.Total) / s.Total
		return "[" + strings.Repeat("#", full) + strings.Repeat(" ", barWidth-full) + "]"
	}
	at := int(took/showEvery) % (2 * barWidth)
	if at >= barWidth {
		at = 2*barWidth - 1 - at
	}
	return "[" + strings.Repeat(" ", at) + "#" + strings.Repeat(" ", barWidth-1-at) + "]"
}

// Stop ends it, and may be called twice. On a terminal the line is taken away.
func (p *Progress) Stop() {
	p.stop.Do(func() {
		close(p.end)
		p.ended.Wait()
		if p.shown > 0 {
			fmt.Fprintf(p.w, "\r%*s\r", p.shown, "")
		}
	})
}

// Interrupted is the error of a command that was stopped by its user before it was done: it says so, and how to go on.
// Any other error stays as it is.
func Interrupted(ctx context.Context, err error, onward string) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return exit.With(exit.Failure, errors.New("interrupted; "+onward))
}
