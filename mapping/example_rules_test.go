package mapping_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	yaml3 "go.yaml.in/yaml/v3"
	"go.yaml.in/yaml/v4"

	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

const exampleRules = "../config/rules"

// loadExamples reads the example company's rules.
func loadExamples(t *testing.T) (mapping.Config, []rulefile.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(exampleRules, "*.yaml"))
	if err != nil || len(names) < 3 {
		t.Fatalf("found %v, %v; want at least three rule files", names, err)
	}
	config := mapping.Config{Allow: []string{"delete"}}
	var files []rulefile.File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := rulefile.Parse(filepath.Base(name), data)
		if err != nil {
			t.Fatal(err)
		}
		config.Rules = append(config.Rules, file.Rules...)
		files = append(files, file)
	}
	return config, files
}

func TestExampleRulesPassTheirTests(t *testing.T) {
	config, files := loadExamples(t)
	rules, err := mapping.Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	if w := rules.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
	for _, file := range files {
		results := ruletest.Run(rules, file.Tests, exampleRules)
		if len(results) < 3 {
			t.Errorf("only %d tests ran", len(results))
		}
		for _, r := range results {
			for _, diff := range r.Diffs {
				t.Errorf("%s: %s: %s", r.Place, r.Name, diff)
			}
		}
	}
}

// Helm and kubectl read YAML and write it again, some by way of JSON. Neither may change a rule.
func TestExampleRulesSurviveOtherYAMLParsers(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(exampleRules, "*.yaml"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := rulefile.Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		for how, pass := range map[string]func([]byte) ([]byte, error){"YAML": throughYAML, "JSON": throughJSON,
			"YAML of this parser": throughThisParser} {
			again, err := pass(data)
			if err != nil {
				t.Fatalf("%s through %s: %v", name, how, err)
			}
			got, err := rulefile.Parse(name, again)
			if err != nil {
				t.Fatalf("%s through %s: %v\n%s", name, how, err, again)
			}
			if a, b := exported(t, want), exported(t, got); !reflect.DeepEqual(a, b) {
				t.Errorf("%s changed on its way through %s:\n%s\n%s", name, how, a, b)
			}
		}
	}
}

func throughYAML(data []byte) ([]byte, error) {
	var v any
	if err := yaml3.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return yaml3.Marshal(v)
}

func throughThisParser(data []byte) ([]byte, error) {
	var v any
	if err := yaml.Load(data, &v); err != nil {
		return nil, err
	}
	return yaml.Dump(v)
}

func throughJSON(data []byte) ([]byte, error) {
	var v any
	if err := yaml3.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return json.MarshalIndent(v, "", "  ")
}

// exported shows rules without lines and file names. Numbers of test files may lose trailing zeros on the way and are
// left out.
func exported(t *testing.T, f rulefile.File) string {
	t.Helper()
	text, err := json.Marshal(f.Rules)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
