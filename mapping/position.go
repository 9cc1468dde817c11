package mapping

import "strconv"

// Position is where somebody wrote something: in a rule file, or in the configuration, whose name is empty here. The
// zero Position is that of what a program made.
type Position struct {
	file string
	line int
}

// At is the position of a line in a file, as far as they are known.
func At(file string, line int) Position { return Position{file, line} }

// String is file and line, as far as they are known.
func (p Position) String() string {
	switch {
	case p.line == 0:
		return p.file
	case p.file == "":
		return "line " + strconv.Itoa(p.line)
	}
	return p.file + ":" + strconv.Itoa(p.line)
}

// Prefix begins an error's text; it is empty where nothing is known.
func (p Position) Prefix() string {
	if p == (Position{}) {
		return ""
	}
	return p.String() + ": "
}
