package main

import (
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ciobridge/ciobridge/config"
)

// newLogger writes lines to w. Nothing is sampled: every change of state has its line.
func newLogger(c config.Log, w io.Writer) (*zap.Logger, error) {
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
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)), nil
}

// limitMemory keeps the garbage collector under nine tenths of the control group's memory, unless GOMEMLIMIT already says
// otherwise. Without a control group nothing changes.
func limitMemory(log *zap.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || limit > 1<<50 { // "max", and what version 1 says for no limit
			return
		}
		debug.SetMemoryLimit(limit / 10 * 9)
		log.Info("memory limit taken from the control group", zap.Int64("bytes", limit/10*9))
		return
	}
}
