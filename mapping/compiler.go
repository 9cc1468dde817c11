package mapping

import (
	"errors"
	"fmt"
	"strconv"
)

// mistakes collects what is wrong with a configuration, so that all of it can be mended at once.
type mistakes struct{ errs []error }

func (m *mistakes) add(format string, args ...any) {
	m.errs = append(m.errs, fmt.Errorf(format, args...))
}

func (m *mistakes) err() error { return errors.Join(m.errs...) }

func quoted(name string) string {
	if name == "" {
		return "without a name"
	}
	return strconv.Quote(name)
}
