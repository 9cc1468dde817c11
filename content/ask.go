package content

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/content/avro"
	"github.com/ciobridge/ciobridge/content/protobuf"
	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// ask asks the registry until it answers or ctx ends.
func (d *Decoder) ask(ctx context.Context, ref registry.Ref) (*readSchema, error) {
	if d.client == nil {
		return wrong(fmt.Errorf("has schema %s, and there is no schema_registry in the configuration", ref)), nil
	}
	waits := false
	defer func() {
		if waits {
			d.waiting.Add(-1)
		}
	}()
	var found registry.Schema
	err := retry.Do(ctx, retry.Policy{
		Longest: 15 * time.Second,
		Failing: func(err error) {
			waits = true
			d.waiting.Add(1)
			d.log.Warn("waiting for the schema registry", zap.Stringer("schema", ref), zap.Error(err))
		},
		Working: func(failures *retry.Streak) {
			d.log.Info("the schema registry answers again", zap.Duration("after", time.Since(failures.Since)))
		},
	}, func(ctx context.Context) (err error) {
		found, err = d.client.Schema(ctx, ref)
		var unknown *registry.UnknownError
		var incomplete *registry.ReferenceError
		switch {
		case errors.As(err, &unknown), errors.As(err, &incomplete):
			return retry.Permanent(err)
		case err != nil:
			d.asked.WithLabelValues("failed").Inc()
		}
		return err
	})
	var unknown *registry.UnknownError
	var incomplete *registry.ReferenceError
	switch {
	case errors.As(err, &incomplete):
		return d.unreadable(ref, err), nil
	case errors.As(err, &unknown):
		d.asked.WithLabelValues("unknown").Inc()
		return wrong(unknownError(ref)), nil
	case err != nil:
		return nil, context.Cause(ctx)
	}
	return d.compile(ctx, ref, found)
}

// unknownError says that there is no such schema. None has the number 0.
func unknownError(ref registry.Ref) error {
	hint := ""
	if ref == (registry.Ref{}) {
		hint = "; a serializer that writes the number in eight bytes, as Apicurio's may, has to write it in four"
	}
	return fmt.Errorf("has schema %s, which the schema registry does not have%s", ref, hint)
}

func wrong(why error) *readSchema {
	return &readSchema{wrong: why, until: time.Now().Add(askAgain)}
}

// compile makes a schema ready for use.
func (d *Decoder) compile(ctx context.Context, ref registry.Ref, found registry.Schema) (*readSchema, error) {
	r := &readSchema{typ: found.Type}
	var err error
	switch found.Type {
	case types[Avro]:
		var references []string
		for _, ref := range found.References {
			references = append(references, ref.Text)
		}
		var s *avro.Schema
		if s, err = avro.Parse(found.Text, references...); err == nil {
			r.append = s.Append
		}
	case types[Protobuf]:
		var imports []protobuf.File
		for _, ref := range found.References {
			imports = append(imports, protobuf.File(ref))
		}
		var s *protobuf.Schema
		if s, err = protobuf.Parse(ctx, found.Text, imports...); err == nil {
			r.append = s.Append
		}
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return d.unreadable(ref, err), nil
	}
	d.asked.WithLabelValues("found").Inc()
	return r, nil
}

// unreadable tells of a schema that is there and of no use.
func (d *Decoder) unreadable(ref registry.Ref, err error) *readSchema {
	d.asked.WithLabelValues("unreadable").Inc()
	d.log.Error("a schema cannot be read: values of it become dead letters", zap.Stringer("schema", ref),
		zap.Error(err))
	return wrong(fmt.Errorf("has schema %s, which cannot be read", ref))
}
