package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// full is a disk on which there is no more room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A command has failed whose result could not be written, also where it does not look at that.
func TestResultThatIsLost(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"version", "help", "check ../../config/rules/orders.yaml",
		"test ../../config/rules/orders.yaml", "schema rules"} {
		var errs bytes.Buffer
		code := run(t.Context(), strings.Fields(line), stdio{in: &bytes.Buffer{}, out: full{}, err: &errs})
		if code != exit.Failure || errs.String() != "ciobridge: no space left\n" {
			t.Errorf("%s: exit code %d: %s", line, code, &errs)
		}
	}
}
