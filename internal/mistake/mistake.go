package mistake

import (
	"errors"
	"fmt"
	"strings"
)

// A Mistake is one thing that is wrong in a text, in the words of the program.
type Mistake struct {
	Place   Place
	Path    string // of the field, such as source.kafka.brokers[0]; empty for the text as a whole
	Message string // what is wrong, and what to write instead
	Cause   error  // what Message tells of; may be nil
}

// Error is place, path and message, as far as they are known.
func (m *Mistake) Error() string {
	text := m.Place.Prefix()
	if m.Path != "" {
		text += m.Path + ": "
	}
	return text + m.Message
}

// Unwrap returns the cause.
func (m *Mistake) Unwrap() error { return m.Cause }

// At is a mistake in the field with a path, whose place whoever read the field knows.
func At(path, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Mistake{Path: path, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// All takes an error that was joined of several apart. An error of another kind becomes a mistake without a place.
func All(err error) []*Mistake {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Mistake
		for _, e := range joined.Unwrap() {
			all = append(all, All(e)...)
		}
		return all
	}
	var m *Mistake
	if errors.As(err, &m) && m.Error() == err.Error() {
		return []*Mistake{m}
	}
	return []*Mistake{{Message: err.Error(), Cause: err}}
}

// Under puts the path of a section before the paths of all mistakes in an error.
func Under(path string, err error) error {
	var errs []error
	for _, m := range All(err) {
		under := *m
		under.Path = Join(path, m.Path)
		errs = append(errs, &under)
	}
	return errors.Join(errs...)
}

// Join is the path of a field of a section. Either may be empty, and the field may begin with an index.
func Join(section, field string) string {
	if section == "" || field == "" || strings.HasPrefix(field, "[") {
		return section + field
	}
	return section + "." + field
}

// A List collects mistakes, so that all of them can be mended at once. The zero List is empty.
type List struct{ errs []error }

// Add adds a mistake.
func (l *List) Add(place Place, path, format string, args ...any) {
	m := At(path, format, args...).(*Mistake)
	m.Place = place
	l.errs = append(l.errs, m)
}

// Join adds all mistakes of an error, which may be nil.
func (l *List) Join(err error) {
	for _, m := range All(err) {
		l.errs = append(l.errs, m)
	}
}

// Len is how many there are.
func (l *List) Len() int { return len(l.errs) }

// Err is all of them as one error, or nil.
func (l *List) Err() error { return errors.Join(l.errs...) }
