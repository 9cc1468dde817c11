package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// reachLimit is how long a command that does one thing waits for a broker.
const reachLimit = 15 * time.Second

// Load reads a configuration and compiles its rules. The error holds every mistake of all files. The configuration says
// how to log also where it has mistakes.
func Load(in config.Input) (config.Config, *mapping.Rules, error) {
	c, err := config.Load(in)
	rules, errRules := c.Compile()
	return c, rules, exit.With(exit.Input, errors.Join(err, errRules))
}

// Reach connects to the broker of a configuration for one task: it gives up after a while, and where a bridge already
// runs an embedded server it uses that one.
func Reach(ctx context.Context, c config.Config, log *zap.Logger) (source.Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	return c.Source.Section().Reach(ctx, log)
}

// Letters are the dead letters and the send ledger of a configuration, as a command works with them.
type Letters struct {
	source.Letters
	Ledger ledger.Store
	Close  func()
}

// ReachLetters opens the dead letters and the send ledger of a configuration for one task. What is in files needs no
// broker; needsLedger says whether the ledger is used. Close must be called when err is nil.
func ReachLetters(ctx context.Context, c config.Config, hash string, needsLedger bool, log *zap.Logger) (Letters,
	error) {
	var b source.Broker
	end := func() {}
	if c.DeadLetters.File == "" || needsLedger && c.PlacedLedger().File == "" {
		var err error
		if b, err = Reach(ctx, c, log); err != nil {
			return Letters{}, err
		}
		end = b.Close
	}
	l := Letters{Letters: openLetters(c, b, hash), Close: end}
	if needsLedger {
		l.Ledger = openLedger(c, b)
		l.Close = func() {
			closeLedger(l.Ledger)
			end()
		}
	}
	return l, nil
}

// openLetters opens the place of the dead letters: a file, or something that the broker keeps.
func openLetters(c config.Config, b source.Broker, hash string) source.Letters {
	if d := c.DeadLetters.Config; d.File != "" {
		return file.New(d, hash)
	}
	return b.Letters(c.DeadLetters.Config, hash)
}
