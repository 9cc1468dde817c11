package mistake

import "strconv"

// A Place is where somebody wrote something. Lines and columns count from one; what is not known is zero.
type Place struct {
	File         string // its path, or the flag that it stands in
	Line, Column int
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

// Prefix begins an error's text; it is empty where nothing is known.
func (p Place) Prefix() string {
	if p == (Place{}) {
		return ""
	}
	return p.String() + ": "
}
