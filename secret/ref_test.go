package secret_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/yamltree"

	"github.com/ciobridge/ciobridge/secret"
)

func TestReadFile(t *testing.T) {
	for _, c := range []struct{ name, content, want, err string }{
		{"plain", "key", "key", ""},
		{"one line break", "key\n", "key", ""},
		{"a windows line break", "key\r\n", "key", ""},
		{"only one line break is taken off", "key\n\n", "key\n", ""},
		{"spaces and dollars are kept", " $HOME key ", " $HOME key ", ""},
		{"empty", "", "", "is empty"},
		{"blank", "\n \n", "", "is empty"},
		{"too long", strings.Repeat("k", 64<<10+1), "", "not a secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			// 0644 is how Kubernetes mounts secrets.
			if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := secret.Ref{File: path}.Read()
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err == "" && got.Reveal() != c.want:
				t.Errorf("read %q, want %q", got.Reveal(), c.want)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want one that says %q", err, c.err)
			}
		})
	}
	_, err := secret.Ref{File: filepath.Join(t.TempDir(), "absent")}.Read()
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v for a file that is not there, want fs.ErrNotExist inside", err)
	}
}

func TestReadEnv(t *testing.T) {
	t.Setenv("CIO_TEST_KEY", "from env\n")
	got, err := secret.Ref{Env: "CIO_TEST_KEY"}.Read()
	if err != nil || got.Reveal() != "from env" {
		t.Errorf("read %q, %v", got.Reveal(), err)
	}
	t.Setenv("CIO_TEST_KEY", "")
	if _, err := (secret.Ref{Env: "CIO_TEST_KEY"}).Read(); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("error %v for an empty variable", err)
	}
	if _, err := (secret.Ref{Env: "CIO_TEST_ABSENT"}).Read(); err == nil ||
		!strings.Contains(err.Error(), "is not set") {
		t.Errorf("error %v for a variable that is not set", err)
	}
}

func TestRefHasOneSource(t *testing.T) {
	if err := (secret.Ref{}).Validate(); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("error %v for no source", err)
	}
	if err := (secret.Ref{File: "a", Env: "B"}).Validate(); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("error %v for two sources", err)
	}
	if _, err := (secret.Ref{File: "a", Env: "B"}).Read(); err == nil {
		t.Error("read from two sources")
	}
}

func TestRefInYAML(t *testing.T) {
	type doc struct {
		Password secret.Ref `yaml:"password"`
	}
	for _, c := range []struct {
		name, in string
		want     secret.Ref
		err      string
	}{
		{"a file", "password: {file: /run/secrets/p}", secret.Ref{File: "/run/secrets/p"}, ""},
		{"a variable", "password: {env: P}", secret.Ref{Env: "P"}, ""},
		{"inline text", "password: canary-7f3a", secret.Ref{}, "not written into the configuration"},
		{"an inline number", "password: 12345", secret.Ref{}, "not written into the configuration"},
		{"an inline list", "password: [canary-7f3a]", secret.Ref{}, "not written into the configuration"},
		{"what came by way of ${} alone", "password: '${P}'", secret.Ref{}, "not written into the configuration"},
		{"an unknown key", "password: {value: canary-7f3a}", secret.Ref{}, "not written into the configuration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d doc
			err := yamltree.Unmarshal("c.yaml", []byte(c.in), &d)
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err == "" && d.Password != c.want:
				t.Errorf("read %+v, want %+v", d.Password, c.want)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want one that says %q", err, c.err)
			case c.err != "" && strings.Contains(err.Error(), canary):
				t.Errorf("the error quotes the secret: %v", err)
			}
		})
	}
}
