package customerio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Shape is the kind of body that an answer had.
type Shape uint8

const (
	// ShapeUnreadable is a body that is not Customer.io's: a page, broken JSON, too long.
	ShapeUnreadable Shape = iota
	// ShapeEmpty is no body at all.
	ShapeEmpty
	// ShapeClean is a JSON object that tells of no error.
	ShapeClean
	// ShapeListed tells of errors, each with the place of a call in a batch.
	ShapeListed
	// ShapeWhole tells of an error without saying which call it belongs to, alone or beside others that do.
	ShapeWhole
)

// ErrorBody is what a body says about the calls of its request.
type ErrorBody struct {
	Shape    Shape
	Refusals []Refusal // for ShapeListed at most one for each call; for ShapeWhole one, whose Index means nothing
	Unplaced int       // errors of ShapeListed whose place is that of no call, so that nobody knows what they refuse
}

// Refusal says what Customer.io holds against one call.
type Refusal struct {
	Index   int // the call's place in the request
	Problem Problem
	Field   string // the path of the field as far as it can be shown; empty where none was given
}

// Problem is the reason of a refusal, sorted into a closed set of our own words.
type Problem string

// The problems that Customer.io's answers are sorted into.
const (
	ProblemInvalid  Problem = "invalid"
	ProblemRequired Problem = "missing"
	ProblemLong     Problem = "too long"
	ProblemMany     Problem = "too many"
	ProblemType     Problem = "of the wrong type"
	ProblemOther    Problem = "refused without a known reason"
)

// ParseErrorBody reads the body of an answer to a request with so many calls. Customer.io writes errors as errors[]
// with or without batch_index, as meta.error or as meta.errors, and was seen to send the whole as a JSON string that
// contains JSON; App says detail for message and source.pointer for field. A call that is listed twice, for two of its
// fields, is refused once.
func ParseErrorBody(body []byte, calls int) ErrorBody {
	body = trimSpace(body)
	switch {
	case len(body) == 0:
		return ErrorBody{Shape: ShapeEmpty}
	case string(body) == "{}": // every accepted request
		return ErrorBody{Shape: ShapeClean}
	case body[0] == '"':
		var inner string
		if json.Unmarshal(body, &inner) != nil {
			return ErrorBody{}
		}
		body = trimSpace([]byte(inner))
	}
	var doc struct {
		Errors json.RawMessage `json:"errors"`
		Meta   json.RawMessage `json:"meta"`
	}
	// Null would decode into a struct without an error.
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &doc) != nil {
		return ErrorBody{}
	}
	var errors []json.RawMessage
	if json.Unmarshal(orNull(doc.Errors), &errors) != nil {
		return ErrorBody{}
	}
	if len(errors) > 0 {
		return listed(errors, calls)
	}
	if text, found := metaError(doc.Meta); found {
		return ErrorBody{Shape: ShapeWhole, Refusals: []Refusal{{Problem: problemOf("", text)}}}
	}
	return ErrorBody{Shape: ShapeClean}
}

// trimSpace takes the white space of JSON from both ends. Other characters that pass for white space elsewhere are no
// part of JSON.
func trimSpace(body []byte) []byte { return bytes.Trim(body, " \t\r\n") }

// listed reads the members of errors[]. The first one that names no place makes it an error of the whole request: the
// call that it refuses may be any that the others do not name.
func listed(errors []json.RawMessage, calls int) ErrorBody {
	errs := ErrorBody{Shape: ShapeListed}
	seen := make([]bool, calls)
	for _, raw := range errors {
		var entry struct {
			Index   json.RawMessage `json:"batch_index"`
			Reason  json.RawMessage `json:"reason"`
			Field   json.RawMessage `json:"field"`
			Message json.RawMessage `json:"message"`
			Detail  json.RawMessage `json:"detail"`
			Source  json.RawMessage `json:"source"`
		}
		if json.Unmarshal(raw, &entry) != nil {
			entry.Message = raw // a bare text
		}
		refusal := Refusal{
			Problem: problemOf(asText(entry.Reason), cmp.Or(asText(entry.Message), asText(entry.Detail))),
			Field:   sanitize(cmp.Or(asText(entry.Field), pointed(entry.Source))),
		}
		if string(orNull(entry.Index)) == "null" {
			return ErrorBody{Shape: ShapeWhole, Refusals: []Refusal{refusal}}
		}
		index, found := placeOf(entry.Index, calls)
		switch {
		case !found:
			errs.Unplaced++
		case !seen[index]:
			seen[index] = true
			refusal.Index = index
			errs.Refusals = append(errs.Refusals, refusal)
		}
	}
	return errs
}

// pointed turns the pointer of a source, such as /data/attributes/name, into the path of a field.
func pointed(source json.RawMessage) string {
	var at struct {
		Pointer string `json:"pointer"`
	}
	if json.Unmarshal(orNull(source), &at) != nil {
		return ""
	}
	path := strings.TrimPrefix(at.Pointer, "/data/attributes")
	return strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
}

// placeOf reads a batch_index, also one in quotes or written as 1.0, and reports whether a request of so many calls has
// that place.
func placeOf(index json.RawMessage, calls int) (place int, found bool) {
	n, err := strconv.ParseFloat(strings.Trim(string(index), `"`), 64)
	if err != nil || n != math.Trunc(n) || n < 0 || n >= float64(calls) {
		return 0, false
	}
	return int(n), true
}

// metaError finds the first text of meta.error or meta.errors.
func metaError(raw json.RawMessage) (text string, found bool) {
	var meta struct {
		Error  json.RawMessage   `json:"error"`
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(orNull(raw), &meta) != nil {
		return "", false
	}
	if string(orNull(meta.Error)) != "null" {
		return asText(meta.Error), true
	}
	if len(meta.Errors) > 0 {
		return asText(meta.Errors[0]), true
	}
	return "", false
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

func asText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(orNull(raw), &text) != nil {
		return ""
	}
	return text
}

// phrases are pieces of the messages that Customer.io documents, the telling ones first.
var phrases = []struct {
	piece   string
	problem Problem
}{
	{"more than", ProblemMany},
	{"longer than", ProblemLong},
	{"must be less than", ProblemLong},
	{"must be present", ProblemRequired},
	{"be blank", ProblemRequired},
	{"be an empty", ProblemRequired},
	{"must be a string", ProblemType},
	{"must be a number", ProblemType},
	{"must be a hash", ProblemType},
	{"must be an object", ProblemType},
	{"must be valid JSON", ProblemInvalid},
}

// problemOf sorts a reason and a message into the closed set. Only the problem is kept: the texts may quote the call.
func problemOf(reason, message string) Problem {
	for _, p := range phrases {
		if strings.Contains(message, p.piece) {
			return p.problem
		}
	}
	switch reason {
	case "required":
		return ProblemRequired
	case "invalid":
		return ProblemInvalid
	}
	return ProblemOther
}

// The longest field path that is kept, and the longest part of it.
const (
	maxField     = 200
	maxFieldPart = 64
)

// sanitize keeps of a field's path what looks like one. A part with other characters, or a very long one, may be a
// value, and becomes a star.
func sanitize(field string) string {
	if len(field) > maxField {
		field = field[:maxField]
	}
	parts := strings.Split(field, ".")
	for i, part := range parts {
		if len(part) > maxFieldPart || strings.IndexFunc(part, notPath) >= 0 {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ".")
}

func notPath(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-[]$", r)
}
