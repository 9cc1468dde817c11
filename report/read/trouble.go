package read

import (
	"errors"
	"net/http"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// troubles are errors about single objects. The others can be told all the same.
type troubles struct {
	refused, unanswered []error
}

// mostUnanswered is how many objects may have no answer before it is not theirs.
const mostUnanswered = 3

// add keeps an error that may be about one object alone, and reports whether it is such a one.
func (t *troubles) add(err error) bool {
	var refused *RefusedError
	var unanswered *UnansweredError
	switch {
	case errors.As(err, &refused) && refused.Status != http.StatusForbidden:
		t.refused = append(t.refused, refused)
		return true
	case errors.As(err, &unanswered) && len(t.unanswered) < mostUnanswered:
		t.unanswered = append(t.unanswered, err)
		return true
	}
	return false
}

// err is all of them. Another attempt may have the answers that are lacking, but none that is a refusal.
func (t *troubles) err() error {
	if len(t.unanswered) > 0 {
		return errors.Join(append(t.refused, t.unanswered...)...)
	}
	return retry.Permanent(errors.Join(t.refused...))
}
