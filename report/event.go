package report

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// eventSource is the source of the events, whatever the workspace, and eventType what their types begin with.
const (
	eventSource = "https://customer.io"
	eventType   = "io.customer.report."
)

// EventType is the type of the events of a type of reports.
func EventType(of string) string { return eventType + of }

// A hash is of what a row tells, and a rowID of what the row is: its report, workspace, object and window.
type (
	hash  [16]byte
	rowID [16]byte
)

func hashOf(data json.RawMessage) hash {
	sum := sha256.Sum256(data)
	return hash(sum[:16])
}

func (h hash) String() string { return hex.EncodeToString(h[:]) }

func rowIDOf(report, workspace, object string, w Window) rowID {
	var bounds [16]byte
	binary.BigEndian.PutUint64(bounds[:8], uint64(w.Start.UnixMicro()))
	binary.BigEndian.PutUint64(bounds[8:], uint64(w.End.UnixMicro()))
	sum := digest(report, workspace, object, string(bounds[:]))
	return rowID(sum[:16])
}

// revision is the id of an event. The revision stands behind the digest, so that it can be read from an id.
func (r rowID) revision(n int) string { return hex.EncodeToString(r[:]) + "-" + strconv.Itoa(n) }

// readEventID reads what revision made. Events of others have other ids.
func readEventID(id string) (row rowID, revision int, ok bool) {
	text, number, _ := strings.Cut(id, "-")
	revision, err := strconv.Atoi(number)
	if err != nil || revision < 1 || len(text) != hex.EncodedLen(len(row)) {
		return row, 0, false
	}
	_, err = hex.Decode(row[:], []byte(text))
	return row, revision, err == nil
}

// Content is the data of an event.
type Content struct {
	Report   string          `json:"report"`
	Object   string          `json:"object"`
	Window   Window          `json:"window"`
	Revision int             `json:"revision"`
	Row      json.RawMessage `json:"row"`
}

// newEvent is a revision of a row. It keeps nothing of the row that the reader may use again.
func newEvent(c Config, workspace string, id rowID, row Row, h hash, revision int) cloudevent.Event {
	w := Window{row.Window.Start.UTC(), row.Window.End.UTC()}
	return cloudevent.Event{
		ID: id.revision(revision), Source: eventSource, Type: EventType(c.Type), Subject: row.Object,
		Time: time.Now().Truncate(time.Millisecond), Workspace: workspace, Revision: revision, ContentHash: h.String(),
		Data: Content{c.Name, row.Object, w, revision, slices.Clone(row.Data)},
	}
}
