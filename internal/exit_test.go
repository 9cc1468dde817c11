package internal_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ciobridge/ciobridge/internal/exit"
)

func TestCode(t *testing.T) {
	marked := exit.With(exit.Broker, io.ErrUnexpectedEOF)
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"none":             {nil, exit.OK},
		"none, but marked": {exit.With(exit.Input, nil), exit.OK},
		"without a mark":   {io.EOF, exit.Failure},
		"marked":           {marked, exit.Broker},
		"wrapped":          {fmt.Errorf("run: %w", marked), exit.Broker},
		"joined":           {errors.Join(io.EOF, marked), exit.Broker},
		"marked twice":     {exit.With(exit.Input, marked), exit.Input},
	} {
		if got := exit.Code(c.err); got != c.code {
			t.Errorf("%s: code %d, want %d", name, got, c.code)
		}
	}
	for _, c := range []struct{ got, want int }{
		{exit.Code(exit.Or(exit.Input, marked)), exit.Broker},
		{exit.Code(exit.Or(exit.Input, fmt.Errorf("find: %w", marked))), exit.Broker},
		{exit.Code(exit.Or(exit.Input, io.EOF)), exit.Input},
		{exit.Code(exit.Or(exit.Input, nil)), exit.OK},
	} {
		if c.got != c.want {
			t.Errorf("code %d, want %d", c.got, c.want)
		}
	}
	if marked.Error() != io.ErrUnexpectedEOF.Error() || !errors.Is(marked, io.ErrUnexpectedEOF) {
		t.Errorf("a mark changes the error: %v", marked)
	}
}
