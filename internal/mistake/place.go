package mistake

import "strconv"

// A Place is where somebody wrote something. Lines and columns count from one; what is not known is zero.
type Place struct {
	File   string `json:"file,omitempty"` // its path, or the flag that it stands in
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty"` // such as source.kafka.brokers[0]; empty for a text as a whole
}

// With is the place with another path: that of a field which has no place of its own, or whose name stands there.
func (p Place) With(path string) Place {
	p.Path = path
	return p
}

// String is file, line and column, as far as they are known.
func (p Place) String() string {
	text := p.File
	if p.Line > 0 {
		switch text {
		case "":
			text = "line "
		default:
			text += ":"
		}
		text += strconv.Itoa(p.Line)
		if p.Column > 0 {
			text += ":" + strconv.Itoa(p.Column)
		}
	}
	return text
}
