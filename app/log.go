package app

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/tracing"
)

// NewLogger writes lines to w. Nothing is sampled: every change of state has its line.
func NewLogger(c config.Log, w io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, err
	}
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.ISO8601TimeEncoder
	e.TimeKey, e.MessageKey = "time", "message"
	e.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(e)
	if c.Format == "console" {
		e.EncodeCaller = nil
		encoder = zapcore.NewConsoleEncoder(e)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(escaper{w})), level)), nil
}

// An escaper writes lines with everything escaped that a terminal or a reader of lines could obey: zap leaves DEL,
// the controls from U+0080 on, and what separates lines or turns the direction of text as they are.
type escaper struct{ w io.Writer }

func (e escaper) Write(line []byte) (int, error) {
	text := string(line)
	if strings.ContainsFunc(text, obeyed) {
		var b strings.Builder
		for _, r := range text {
			if obeyed(r) {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		text = b.String()
	}
	if _, err := io.WriteString(e.w, text); err != nil {
		return 0, err
	}
	return len(line), nil
}

// obeyed reports whether a character is more than a letter, sign or blank. Within a line zap has escaped those of
// ASCII, but for tabs between the fields of the console.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// startTraces begins what the environment asks for of traces. What it asks for and cannot have is told, and keeps no
// event from flowing: such variables are set for all of a cluster.
func (b *Bridge) startTraces() {
	t, err := tracing.Start(b.config.Source.Section().Kind(), b.version, b.log.Named("tracing"))
	if err != nil {
		b.log.Warn("traces are off", zap.Error(err))
	}
	if b.tracer = t; t != nil {
		b.sender.Watch(t.Requested)
	}
}
