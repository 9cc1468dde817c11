package reporttest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// Kind says what a reader tells.
type Kind int

// The kinds: numbers that may be others when they are read again, the content of a list at the time of a run, and
// what has happened since the run before.
const (
	Numbers Kind = iota
	Snapshot
	Happened
)

// Step is the time between the windows of Numbers, and between what has Happened.
const Step = time.Minute

// A Reader makes up rows. Some of them are others with every call of Read, and one cannot be read.
type Reader struct {
	Process *Process
	Kind    Kind
	Objects int
	Windows int // of an object that are told
	// Data makes the content of a row; nil means numbers that change.
	Data func(object, read int) string
}

// Restated implements report.Reader.
func (r *Reader) Restated() bool { return r.Kind == Numbers }

// Read implements report.Reader.
func (r *Reader) Read(ctx context.Context, q report.Request, each func(report.Row) error) error {
	p := r.Process
	read := 0
	if err := p.look(ctx, func() { read = p.World.read() }); err != nil {
		return err
	}
	if q.Saved == "" {
		if err := q.Save(ctx, fmt.Sprint("export of ", q.At)); err != nil {
			return err
		}
	} else if want := fmt.Sprint("export of ", q.At); q.Saved != want {
		return fmt.Errorf("saved is %q, want %q", q.Saved, want)
	}
	malformed := report.Malformed{Line: 7, Text: []byte("canary-person"), Detail: "is not a row"}
	if err := q.Malformed(ctx, malformed); err != nil {
		return err
	}
	for _, w := range r.windows(q) {
		for object := range r.Objects {
			row := report.Row{Object: fmt.Sprintf("object/%d", object), Window: w, Data: r.data(object, read)}
			if err := p.do(ctx, func() { p.World.Told[Key{row.Object, w}] = string(row.Data) }); err != nil {
				return err
			}
			if err := each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// read counts readings. Those of one attempt, between which there may be a pause of report.Settle, tell the same.
func (w *World) read() int {
	now := time.Now()
	if now.Sub(w.lastRead) > report.Settle*3/2 {
		w.reads++
	}
	w.lastRead = now
	return w.reads
}

// windows are those that are told of.
func (r *Reader) windows(q report.Request) (list []report.Window) {
	switch at := q.At.UTC(); r.Kind {
	case Snapshot:
		return []report.Window{{Start: at, End: at}}
	case Happened:
		from := q.Last.UTC()
		if q.Last.IsZero() {
			from = at.Add(-time.Duration(r.Windows) * Step)
		}
		if q.Window != (report.Window{}) {
			from, at = q.Window.Start, q.Window.End
		}
		for t := from.Truncate(Step); t.Before(at); t = t.Add(Step) {
			if !t.Before(from) {
				list = append(list, report.Window{Start: t, End: t})
			}
		}
	case Numbers:
		last := at.Truncate(Step)
		for i := range r.Windows {
			end := last.Add(-time.Duration(i) * Step)
			list = append(list, report.Window{Start: end.Add(-Step), End: end})
		}
	}
	return list
}

// data is what is told of an object: the same for ever of every second, and another thing with each reading, or with
// each second reading, of the others.
func (r *Reader) data(object, read int) json.RawMessage {
	if r.Data != nil {
		return json.RawMessage(r.Data(object, read))
	}
	n := 0
	switch object % 4 {
	case 1:
		n = read
	case 3:
		n = read % 2 // what was told before comes back
	}
	return json.RawMessage(fmt.Sprintf(`{"object":%d,"who":"canary-person","sent":%d}`, object, n))
}
