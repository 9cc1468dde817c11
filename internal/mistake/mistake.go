package mistake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing that is wrong in a text, in the words of the program.
type Mistake struct {
	Place
	Message string `json:"message"` // what is wrong, and what to write instead
	Cause   error  `json:"-"`       // what Message tells of; may be nil

	// Covers are the paths of which nothing more need be said, nor of what is below them: a value that is not of its
	// kind, a key that is missing, or the one that was meant.
	Covers []string `json:"-"`
}

// Error is place, path and message, as far as they are known.
func (m *Mistake) Error() string {
	text := m.Message
	for _, part := range []string{m.Path, m.Place.String()} {
		if part != "" {
			text = part + ": " + text
		}
	}
	return text
}

// Unwrap returns the cause.
func (m *Mistake) Unwrap() error { return m.Cause }

// New makes a mistake.
func New(place Place, format string, args ...any) *Mistake {
	err := fmt.Errorf(format, args...)
	return &Mistake{Place: place, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// At is a mistake in the field with a path; whoever read the field knows where that stands.
func At(path, format string, args ...any) error { return New(Place{Path: path}, format, args...) }

// Of is a mistake whose format begins with the field's path, a colon and a blank.
func Of(format string, args ...any) error {
	path, message, found := strings.Cut(format, ": ")
	if !found {
		return New(Place{}, format, args...)
	}
	n := strings.Count(path, "%")
	return At(fmt.Sprintf(path, args[:n]...), message, args[n:]...)
}

// All takes an error that was joined of several apart, and names each mistake once. An error of another kind becomes a
// mistake without a place.
func All(err error) []*Mistake {
	var all []*Mistake
	seen := map[string]bool{}
	for _, m := range apart(err) {
		if text := m.Error(); !seen[text] {
			seen[text] = true
			all = append(all, m)
		}
	}
	return all
}

func apart(err error) []*Mistake {
	if err == nil {
		return nil
	}
	if m, ok := err.(*Mistake); ok { //nolint:errorlint // what is wrapped deeper belongs to the text around it
		return []*Mistake{m}
	}
	switch err := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil && inner.Error() == err.(error).Error() {
			return apart(inner)
		}
	case interface{ Unwrap() []error }:
		var texts []string
		var all []*Mistake
		for _, e := range err.Unwrap() {
			texts = append(texts, e.Error())
			all = append(all, apart(e)...)
		}
		if strings.Join(texts, "\n") == err.(error).Error() { // else words stand around the errors
			return all
		}
	}
	return []*Mistake{{Message: err.Error(), Cause: err}}
}

// Without leaves out of an error the mistakes of another.
func Without(err, known error) error {
	seen := map[string]bool{}
	for _, m := range All(known) {
		seen[m.Error()] = true
	}
	var l List
	for _, m := range All(err) {
		if !seen[m.Error()] {
			l.Join(m)
		}
	}
	return l.Err()
}

// Sorted are mistakes in the order of their lines, file by file.
func Sorted(mistakes []*Mistake) []*Mistake {
	files := map[string]int{}
	for _, m := range mistakes {
		if _, known := files[m.File]; !known {
			files[m.File] = len(files)
		}
	}
	return slices.SortedStableFunc(slices.Values(mistakes), func(a, b *Mistake) int {
		return cmp.Or(cmp.Compare(files[a.File], files[b.File]), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
}

// Beyond leaves out of later mistakes those that only follow from earlier ones: they are in the same field, or in one
// that is covered. A later mistake without a file is of the same text as all of the earlier ones.
func Beyond(earlier, later error) error {
	first := All(earlier)
	var l List
	for _, m := range All(later) {
		if !slices.ContainsFunc(first, func(f *Mistake) bool { return f.explains(m) }) {
			l.Join(m)
		}
	}
	return l.Err()
}

func (m *Mistake) explains(later *Mistake) bool {
	if later.File != "" && later.File != m.File || later.Path == "" {
		return false
	}
	return later.Path == m.Path || slices.ContainsFunc(m.Covers, func(path string) bool {
		rest, ok := strings.CutPrefix(later.Path, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
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
func (l *List) Add(place Place, format string, args ...any) {
	l.AddCovering(place, nil, format, args...)
}

// AddCovering adds a mistake that makes others moot.
func (l *List) AddCovering(place Place, covers []string, format string, args ...any) {
	m := New(place, format, args...)
	m.Covers = covers
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
