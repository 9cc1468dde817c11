package broker

import (
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// embeddedLog passes on the embedded server's warnings and keeps the text of what stopped it from starting, which the
// server tells nobody else.
type embeddedLog struct {
	log *zap.Logger

	mu    sync.Mutex
	fatal string
}

func (l *embeddedLog) Noticef(string, ...any) {}
func (l *embeddedLog) Debugf(string, ...any)  {}
func (l *embeddedLog) Tracef(string, ...any)  {}

func (l *embeddedLog) Warnf(format string, v ...any) {
	l.log.Warn("embedded nats-server warns", zap.String("detail", fmt.Sprintf(format, v...)))
}

func (l *embeddedLog) Errorf(format string, v ...any) {
	l.log.Error("embedded nats-server failed", zap.String("detail", fmt.Sprintf(format, v...)))
}

func (l *embeddedLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = fmt.Sprintf(format, v...)
}

func (l *embeddedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *embeddedLog) cause() error {
	if text := l.text(); text != "" {
		return errors.New(text)
	}
	return fmt.Errorf("not ready after %v", embeddedStartTimeout)
}
