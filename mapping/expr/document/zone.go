package document

import (
	"errors"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // an image may have no time zones of its own
)

// maxZone bounds the name of a time zone.
const maxZone = 64

// zones are the time zones that were asked for, by name.
var (
	zonesLock sync.RWMutex
	zones     = map[string]*time.Location{}
)

var errNoZone = errors.New("is no time zone; want a name such as Europe/Oslo, or an offset such as +01:00")

// Zone gives a time zone by its name, such as Europe/Oslo or UTC, or by its offset, such as +01:00.
func Zone[S string | []byte](name S) (*time.Location, error) {
	zonesLock.RLock()
	loc := zones[string(name)]
	zonesLock.RUnlock()
	if loc != nil {
		return loc, nil
	}
	text := string(name)
	if east, ok := offset(text); ok {
		return time.FixedZone(text, int(east)), nil
	}
	if len(text) == 0 || len(text) > maxZone || strings.EqualFold(text, "local") {
		return nil, errNoZone // Local would depend on the machine
	}
	loc, err := time.LoadLocation(text)
	if err != nil {
		return nil, errNoZone
	}
	zonesLock.Lock()
	defer zonesLock.Unlock()
	zones[text] = loc
	return loc, nil
}

// IsZone reports whether a text names a time zone.
func IsZone(name string) bool {
	_, err := Zone(name)
	return err == nil
}

// offset reads the seconds east of Greenwich in one of the forms +01:00, +0100 and +01, or the letter Z.
func offset(s string) (east int64, ok bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) < len("+01") || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes := s[1:3], "00"
	switch {
	case len(s) == len("+01"):
	case len(s) == len("+0100"):
		minutes = s[3:]
	case len(s) == len("+01:00") && s[3] == ':':
		minutes = s[4:]
	default:
		return 0, false
	}
	h, m := decimal([]byte(hours)), decimal([]byte(minutes))
	east = h*3600 + m*60
	if s[0] == '-' {
		east = -east
	}
	return east, h|m >= 0 && h < 24 && m < 60
}

// inZone gives the unix milliseconds of what the clocks of a zone show, as if they were those of UTC. Of an hour that
// clocks show twice it is the first one, and one that they leave out is counted on from before it: 02:30 is what they
// show as 03:30.
func inZone(shown int64, loc *time.Location) int64 {
	seconds := floorDiv(shown, 1000)
	u := time.Unix(seconds, 0).UTC()
	t := time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), 0, loc)
	_, east := t.Zone()
	switch start, _ := t.ZoneBounds(); {
	case t.Unix()+int64(east) < seconds: // left out, and counted from after it
		return (seconds-int64(east))*1000 + shown - seconds*1000
	case t.Unix()+int64(east) == seconds && !start.IsZero():
		_, before := start.Add(-time.Second).Zone()
		if first := seconds - int64(before); first < start.Unix() {
			return first*1000 + shown - seconds*1000
		}
	}
	return t.Unix()*1000 + shown - seconds*1000
}
