package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/seal"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// Options say how closely to look.
type Options struct {
	Outage time.Duration // for so long the bridge may have to do without Customer.io, or be stopped
	Sample int           // so many of the newest messages of each partition are read; 0 reads none
}

// Examine looks at everything that a configuration names. The broker and Customer.io are looked at whatever is wrong
// with the other.
func Examine(ctx context.Context, c config.Config, rules *mapping.Rules, o Options, log *zap.Logger) []source.Finding {
	e := &source.Examination{Outage: o.Outage, DeadLetters: c.DeadLetters.Config, Code: exit.Broker}
	b, err := app.Reach(ctx, c, log)
	if err == nil {
		defer b.Close()
		err = b.Examine(ctx, e)
	}
	if err != nil {
		e.Fail("broker", err.Error(), "see that its address and credentials are right, and that it can be reached "+
			"from here")
	} else {
		e.OK("broker", "answers")
	}
	if err == nil || c.DeadLetters.File != "" {
		letters(ctx, c, rules, b, e)
	}
	if err == nil {
		beside(ctx, c, rules, b, e)
		if !e.Failed() {
			sample(ctx, c, rules, b, o.Sample, e, log)
		}
	}
	workspaces(ctx, c, rules, e)
	return e.Findings()
}

// letters has the place of the dead letters checked as the bridge does at its start, but makes none.
func letters(ctx context.Context, c config.Config, rules *mapping.Rules, b source.Broker, e *source.Examination) {
	d := c.DeadLetters.Config
	d.Create = false
	var place source.Letters
	what := "dead letters"
	if d.File != "" {
		if _, err := os.Stat(d.File); errors.Is(err, fs.ErrNotExist) {
			if err := seal.New(d.KeysFile).Check(); err != nil {
				e.Fail(what, err.Error(), "nothing is read until letters can be kept")
			} else {
				e.OK(what, "the bridge makes file %s when it starts", d.File)
			}
			return
		}
		place = file.New(d, rules.Hash())
	} else {
		place = b.Letters(d, rules.Hash())
	}
	weak, err := place.Check(ctx)
	switch {
	case errors.Is(err, deadletter.ErrMissing) && c.DeadLetters.Create:
		e.OK(what, "the bridge makes their place when it starts")
	case err != nil:
		e.Fail(what, err.Error(), "nothing is read until letters can be kept")
	case len(weak) == 0:
		e.OK(what, "can be kept in %s", c.DeadLetters.Where())
	}
	for _, w := range weak {
		e.Warn(what, w, "until it is mended, letters may be lost")
	}
}

// beside has the places checked that the bridge keeps beside the dead letters. Buckets are left out: to look at one is
// to make it.
func beside(ctx context.Context, c config.Config, rules *mapping.Rules, b source.Broker, e *source.Examination) {
	if l := c.PlacedLedger(); rules.Once() && l.Topic != "" {
		create := l.Create
		l.Create = false
		weak, err := b.Ledger(l).Check(ctx)
		switch {
		case err != nil && create:
			e.OK("send ledger", "the bridge makes topic %s when it starts", l.Topic)
		case err != nil:
			e.Fail("send ledger", err.Error(), "nothing is sent that would count twice until it can be kept")
		case len(weak) == 0:
			e.OK("send ledger", "can be kept in topic %s", l.Topic)
		}
		for _, w := range weak {
			e.Warn("send ledger", w, "until it is mended, messages may be sent twice")
		}
	}
	if f := c.Erasure; f.Topic != "" && !f.Create {
		if err := b.Fences(f).Check(ctx); err != nil {
			e.Fail("erasure fences", err.Error(), "nothing is sent until they can be read")
		} else {
			e.OK("erasure fences", "can be kept in topic %s", f.Topic)
		}
	}
}

// Worst is the exit code that findings ask for: that of the first failure. Where warnings count, too, and there is no
// failure, it is that of a check that found differences.
func Worst(findings []source.Finding, strict bool) (code int, err error) {
	failures, warnings := 0, 0
	for _, f := range findings {
		switch f.Grade {
		case source.Failure:
			if failures++; code == 0 {
				code = f.Code
			}
		case source.Warning:
			warnings++
		}
	}
	if failures > 0 {
		return code, fmt.Errorf("%d of %d checks failed", failures, len(findings))
	}
	if strict && warnings > 0 {
		return exit.Differences, fmt.Errorf("%d of %d checks warn", warnings, len(findings))
	}
	return exit.OK, nil
}
