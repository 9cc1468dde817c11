package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v4"

	"github.com/ciobridge/ciobridge/secret"
)

const canary = "canary-7f3a"

// holder has the secret in every position from which a printer might reach it.
type holder struct {
	Open    secret.Value
	Pointer *secret.Value
	List    []secret.Value
	Map     map[string]secret.Value
	Any     any
	hidden  secret.Value
}

func newHolder() holder {
	v := secret.New(canary)
	return holder{Open: v, Pointer: &v, List: []secret.Value{v}, Map: map[string]secret.Value{"k": v}, Any: v,
		hidden: v}
}

func TestValueIsNeverPrinted(t *testing.T) {
	h := newHolder()
	if got := h.hidden.Reveal(); got != canary {
		t.Fatalf("Reveal() = %q, want the text itself", got)
	}
	outputs := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "%T"} {
		outputs["holder "+verb] = fmt.Sprintf(verb, h)
		outputs["pointer "+verb] = fmt.Sprintf(verb, &h)
		outputs["value "+verb] = fmt.Sprintf(verb, h.Open)
	}
	outputs["error"] = fmt.Errorf("wrapped: %v", h).Error()
	outputs["json"] = encode(t, json.Marshal, h)
	outputs["json key"] = encode(t, json.Marshal, map[secretKey]int{{h.Open}: 1})
	outputs["yaml"] = encode(t, yaml.Marshal, h)
	outputs["zap"] = zapLine(h)
	outputs["slog text"] = slogLine(h, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) })
	outputs["slog json"] = slogLine(h, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
	for name, output := range outputs {
		if strings.Contains(output, canary) || strings.Contains(output, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the secret: %s", name, output)
		}
	}
	for _, name := range []string{"value %v", "value %#v", "value %d", "json", "yaml", "zap", "slog text",
		"slog json"} {
		if !strings.Contains(outputs[name], "***") {
			t.Errorf("%s does not show the mask: %s", name, outputs[name])
		}
	}
}

type secretKey struct{ secret.Value }

func encode(t *testing.T, marshal func(any) ([]byte, error), v any) string {
	t.Helper()
	out, err := marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func zapLine(h holder) string {
	var b bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&b),
		zap.DebugLevel)
	zap.New(core).Info("m", zap.Any("value", h.Open), zap.Any("holder", h), zap.Stringer("stringer", h.Open),
		zap.Reflect("reflect", h.Open), zap.Any("list", h.List))
	return b.String()
}

func slogLine(h holder, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	slog.New(handler(&b)).Info("m", "value", h.Open, "holder", h, "pointer", h.Pointer)
	return b.String()
}

func TestEqual(t *testing.T) {
	if !secret.New("a").Equal(secret.New("a")) || secret.New("a").Equal(secret.New("b")) ||
		secret.New("a").Equal(secret.Value{}) {
		t.Error("Equal does not compare the texts")
	}
	if !(secret.Value{}).Equal(secret.New("")) {
		t.Error("the zero Value is not empty")
	}
}
