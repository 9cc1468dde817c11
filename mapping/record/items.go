package record

import "bytes"

// Items finds the elements of a list in a text that need not be JSON throughout: what stands between the commas of the
// array to which the names of members lead, from start to end. Each element is to be read by itself, so that a bad one
// costs no other. It is not ok where the brackets do not say where elements end.
func Items(text []byte, names []string) (items [][]byte, start, end int, ok bool) {
	start = space(text, 0)
	for _, name := range names {
		if start = member(text, start, name); start < 0 {
			return nil, 0, 0, false
		}
	}
	if at(text, start) != '[' {
		return nil, 0, 0, false
	}
	i := space(text, start+1)
	if at(text, i) == ']' {
		return nil, start, i + 1, true
	}
	for {
		after := skip(text, i)
		if after < 0 {
			return nil, 0, 0, false
		}
		items = append(items, TrimSpace(text[i:after]))
		switch after = space(text, after); at(text, after) {
		case ']':
			return items, start, after + 1, true
		case ',':
			i = space(text, after+1)
		default:
			return nil, 0, 0, false
		}
	}
}

// member gives the place of the value of an object's first member of a name, or -1.
func member(text []byte, i int, name string) int {
	if at(text, i) != '{' {
		return -1
	}
	for i = space(text, i+1); at(text, i) == '"'; i = space(text, i+1) {
		end := skip(text, i)
		if end < 0 {
			return -1
		}
		value := space(text, end)
		if at(text, value) != ':' {
			return -1
		}
		if value = space(text, value+1); string(text[i+1:end-1]) == name {
			return value
		}
		if i = skip(text, value); i < 0 {
			return -1
		}
		if i = space(text, i); at(text, i) != ',' {
			return -1
		}
	}
	return -1
}

// skip gives the place behind what begins at i: behind the bracket or the quote that closes it, or before the comma or
// bracket that follows it. It is -1 where the text ends before.
func skip(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 && i < len(text) {
			return i + 1
		}
	}
	return -1
}

func at(text []byte, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}

func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// Lines gives the lines of a text that has a JSON object or array on each of them, blank lines aside; nil for any other
// text. A line in which something is wrong is one of them, where most are as they should be.
func Lines(text []byte) [][]byte {
	var lines [][]byte
	whole := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		line = TrimSpace(bytes.Trim(line, "\x1e\r")) // a record separator stands before each text of a sequence
		if len(line) == 0 {
			continue
		}
		lines = append(lines, line)
		first, last := line[0], line[len(line)-1]
		if first == '{' && last == '}' || first == '[' && last == ']' {
			whole++
		}
	}
	if len(lines) < 2 || 2*whole <= len(lines) {
		return nil
	}
	return lines
}
