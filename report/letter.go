package report

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// A Letter is a row that is not published, for whoever keeps dead letters.
type Letter struct {
	// ID is the same whenever the same row cannot be published, so that a run that is tried again writes its letters
	// again and makes no further ones.
	ID        event.ID
	Report    string
	Type      string
	Workspace string
	At        time.Time // for which the run was scheduled
	// Reason is ReasonMalformedRow, or ReasonTooLarge of a row that the target does not take.
	Reason event.Reason
	Object string // of a row that is too large
	Line   int    // of the file, from 1; 0 where there is none
	Text   []byte // the row, as it was read
	Detail string // why, in our own words, without anything of the text
}

// DeadLetter keeps a letter. It returns when that is durable.
type DeadLetter func(ctx context.Context, l Letter) error

// malformed is the letter of a row that the reader could not read.
func (a *attempt) malformed(m Malformed) Letter {
	l := a.letter(event.ReasonMalformedRow, m.Text, m.Detail)
	l.Line = m.Line
	return l.identified(a.run.At, strconv.Itoa(m.Line))
}

// tooLarge is the letter of a row that the target does not take.
func (a *attempt) tooLarge(c Content) Letter {
	l := a.letter(event.ReasonTooLarge, c.Row, fmt.Sprintf("the row has %d bytes, and its event is larger than the %s "+
		"takes", len(c.Row), a.report.Target.Place()))
	l.Object = c.Object
	return l.identified(c.Window.End, c.Object+" "+c.Window.Start.Format(time.RFC3339Nano))
}

func (a *attempt) letter(reason event.Reason, text []byte, detail string) Letter {
	return Letter{
		Report: a.report.Config.Name, Type: a.report.Config.Type, Workspace: a.workspace, At: a.run.At, Reason: reason,
		Text: text, Detail: detail,
	}
}

// identified gives a letter its id: of the time that it is about, and of what stands where.
func (l Letter) identified(about time.Time, where string) Letter {
	at := strconv.FormatInt(about.UnixMicro(), 10)
	sum := digest(l.Report, l.Workspace, string(l.Reason), at, where, string(l.Text))
	binary.BigEndian.PutUint64(l.ID[:8], uint64(about.UnixMilli())<<16)
	copy(l.ID[6:], sum[:])
	return l
}

// digest is one of several texts, of which none runs into the next.
func digest(texts ...string) [sha256.Size]byte {
	var all []byte
	for _, text := range texts {
		all = binary.AppendUvarint(all, uint64(len(text)))
		all = append(all, text...)
	}
	return sha256.Sum256(all)
}
