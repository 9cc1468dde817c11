package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/broker"
	consumerkafka "github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/ciobridge/ciobridge/source/kafka"
	"github.com/ciobridge/ciobridge/source/nats"
)

// canary is a key that somebody wrote where it does not belong.
const canary = "canary7f3a"

// misplaced are forms in which it may stand there.
var misplaced = []string{
	canary, "kafka://u:" + canary + "@h:9", "https://u:" + canary + "@h", canary + "://h", canary + "://u@h", canary +
		":x", "a " + canary, canary + ".>", "*" + canary, "y" + canary + "/z",
}

// No field quotes its value in an error, whatever stands in it. The rules are the exception: they hold no secret, and
// an expression cannot be mended by its place alone.
func TestErrorsQuoteNoValue(t *testing.T) {
	tried := 0
	for _, source := range []Source{
		{Kafka: &kafka.Section{
			Config: consumerkafka.Config{KafkaConfig: broker.KafkaConfig{
				Brokers: []string{""}, TLS: &broker.TLSConfig{}, SASL: &broker.SASLConfig{},
			}},
			Read: []rulefile.Topic{{Name: "a"}, {}},
		}},
		{NATS: &nats.Section{
			NATSConfig: broker.NATSConfig{URLs: []string{""}, TLS: &broker.TLSConfig{}},
			Reading: nats.Reading{Streams: []nats.Stream{
				{Subjects: []string{"", ""}}, {}, {Partitions: []nats.Subjects{{""}, {""}}},
			}},
		}},
		{Embedded: &nats.Embedded{Reading: nats.Reading{Streams: []nats.Stream{{Subjects: []string{""}}, {}}}}},
	} {
		c := Default()
		c.Source = source
		c.CustomerIO.Allow, c.RulesFrom = []string{""}, []string{""}
		seen := 0
		leaves(reflect.ValueOf(&c).Elem(), func(path string, leaf reflect.Value) {
			seen++
			for i, text := range misplaced {
				if !longtest.On() && (i+seen)%9 > 0 {
					continue
				}
				was := leaf.String()
				leaf.SetString(text)
				tried++
				_, errCompile := mapping.Compile(c.Mapping())
				_, errFiles := RuleFiles("", c.RulesFrom)
				for _, err := range []error{c.Validate(), errCompile, errFiles} {
					if err != nil && strings.Contains(err.Error(), canary) {
						t.Errorf("%s = %q:\n%v", path, text, err)
					}
				}
				leaf.SetString(was)
			}
		})
	}
	if tried < longtest.Either(30, 300) {
		t.Errorf("only %d values were tried", tried)
	}
}

// leaves visits every text of a value, but for those of rules.
func leaves(v reflect.Value, visit func(path string, leaf reflect.Value)) {
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(path, v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && f.Name != "Rules" && f.Name != "Files" &&
					f.Type != reflect.TypeFor[mapping.Term]() && f.Type != reflect.TypeFor[mapping.Position]() {
					walk(path+"."+f.Name, v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
		case reflect.String:
			visit(path, v)
		}
	}
	walk("", v)
}

// Nor is a key or a value quoted that the YAML itself makes wrong.
func TestErrorsQuoteNoYAML(t *testing.T) {
	for _, text := range []string{
		canary + ": x\n", canary, "- " + canary, canary + ": [", "x: *" + canary, "x: &" + canary + " y",
		"x: !" + canary +
			" y", "<<: *" + canary,
		"'" + canary, "\"\\q" + canary, "\"" + canary, "a: b: " + canary, "%YAML " + canary, "{" + canary,
		"@" + canary, "`" + canary,
		valid + canary + ": 1\n" + canary + ": 2\n", valid + "log: " + canary, valid + "log: {" + canary + ": 1}",
		valid + "log: {level: [" + canary + "]}",
		valid + "log: {level: {" + canary + ": 1}}", valid + "delivery: {senders: " + canary + "}",
		valid + "delivery: {linger: " + canary + "}",
		valid + "dead_letters: {stop_share: " + canary + "}", "source: {kafka: {topics: [{" + canary + ": 1}]}}",
		"source: {kafka: {topics: [{name: a, envelope: {" + canary + ": 1}}]}}",
		"source: {kafka: {topics: [{name: a, envelope: " + canary + "}]}}",
		"source: {kafka: {topics: [{name: a, on_null: " + canary + "}]}}",
		"source: {kafka: {topics: [[" + canary + "]]}}", "source: {kafka: {topics: " + canary + "}}",
		"source: {kafka: {brokers: " + canary + "}}",
		"source: {kafka: {sasl: {password: " + canary + "}}}",
		"source: {kafka: {sasl: {password: {" + canary + ": x}}}}", "source: {nats: {token: [" + canary + "]}}",
		"rules: [{" + canary + ": 1}]", "rules: " + canary, "rules: [" + canary + "]",
		"rules: [{name: a, event: b, do: [{" + canary + ": 1}]}]",
		"rules: [{name: a, event: b, do: [{track: {person: {" + canary + ": 1}}}]}]",
		"customerio: {api_key: " + canary + "}", "customerio: {allow: " + canary + "}",
		"source: {embedded: {streams: [{partitions: [{" + canary + ": 1}]}]}}",
		"customerio: {timeout: " + canary + "}", "x: 1" + canary + "\n\t" + canary,
	} {
		_, err := Load(File(write(t, text)))
		if err == nil {
			t.Errorf("%s: no error", text)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}

// Nor is a secret that stands where a file or a variable is named, when those are looked for.
func TestErrorsQuoteNoPlaceOfASecret(t *testing.T) {
	tls := func(c broker.TLSConfig) error {
		_, err := c.Client()
		return err
	}
	_, errFile := secret.Ref{File: canary}.Read()
	_, errEnv := secret.Ref{Env: canary}.Read()
	_, errLong := secret.Ref{File: "x/" + strings.Repeat(canary, 500)}.Read()
	t.Setenv(canary, " ")
	_, errEmpty := secret.Ref{Env: canary}.Read()
	_, errKafka := broker.NewKafka(broker.KafkaConfig{Brokers: []string{"h:1"}, TLS: &broker.TLSConfig{CAFile: canary}})
	_, errCreds := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: []string{"nats://h"}, CredsFile: canary}, nil)
	_, errNkey := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: []string{"nats://h"}, NkeyFile: canary}, nil)
	for name, err := range map[string]error{
		"file": errFile, "env": errEnv, "a long file": errLong, "an empty variable": errEmpty, "kafka": errKafka,
		"creds_file": errCreds, "nkey_file": errNkey,
		"ca_file":   tls(broker.TLSConfig{CAFile: canary}),
		"cert_file": tls(broker.TLSConfig{CertFile: canary, KeyFile: "k"}),
		"key_file":  tls(broker.TLSConfig{CertFile: "secrets_test.go", KeyFile: canary}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
