package canarytest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What tests make up of people, and of credentials.
const (
	Person = "canary-person"
	Email  = "canary@mail.invalid"
	Secret = "canary-secret"
)

// TB is what the searches need of a test.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(f func())
}

// The word is searched for as it is and in hexadecimal, in any case, and in base64, which has a form for each remainder
// by three of the byte at which it begins.
var (
	anyCase = []string{"canary", "63616e617279"}
	base64  = []string{"Y2FuYXJ5", "NhbmFye", "jYW5hcn"}

	canary = regexp.MustCompile("(?i)" + strings.Join(anyCase, "|") + "|(?-i:" + strings.Join(base64, "|") + ")")
)

// mayShow is false of most texts, and far quicker than the expression.
func mayShow(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(anyCase, func(form string) bool { return strings.Contains(lower, form) }) ||
		slices.ContainsFunc(base64, func(form string) bool { return strings.Contains(text, form) })
}

// Shows says which line of a text shows a canary, up to the word; it is found where there is one.
func Shows(text string) (line string, found bool) {
	if !mayShow(text) {
		return "", false
	}
	at := canary.FindStringIndex(text)
	if at == nil {
		return "", false
	}
	return text[strings.LastIndexByte(text[:at[0]], '\n')+1 : at[0]], true
}

// Text fails a test where what can be seen in a place shows a canary.
func Text(t TB, place, text string) {
	t.Helper()
	if line, found := Shows(text); found {
		t.Errorf("%s shows something personal or secret behind %.300q", place, line)
	}
}

// Error fails a test where an error, or one of those that it wraps, shows a canary however it is printed. A nil error
// shows nothing.
func Error(t TB, place string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	Text(t, fmt.Sprintf("%s: %T", place, err), fmt.Sprintf("%s\n%+v\n%#v", err, err, err.Error()))
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			Error(t, place, one)
		}
		return
	}
	Error(t, place, errors.Unwrap(err))
}
