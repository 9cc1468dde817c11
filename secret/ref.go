package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Ref says where a secret is to be read: in a file or in an environment variable, exactly one of the two. A
// configuration file holds Refs and never the secret itself, so that it can be committed and shown.
type Ref struct {
	// File is the path of a file that holds the secret and nothing else, but for one line break at its end.
	File string `yaml:"file,omitempty"`
	// Env is the name of an environment variable.
	Env string `yaml:"env,omitempty"`

	value Value // that came into the configuration by way of ${}
}

// TakeExpanded takes a secret that came into the configuration by way of ${}, and does not stand in it.
func (r *Ref) TakeExpanded(text string) { *r = Ref{value: New(text)} }

// maxBytes is more than any key or password has; it keeps a wrong path from being read into memory.
const maxBytes = 64 << 10

// ErrInline says that a secret stands in the configuration itself.
var ErrInline = errors.New("a secret is not written into the configuration: give {file: PATH}, {env: NAME} or ${NAME}")

// UnmarshalYAML reads a Ref and refuses a secret that stands in the configuration itself, without quoting it.
func (r *Ref) UnmarshalYAML(decode func(any) error) error {
	var node any
	if err := decode(&node); err != nil {
		return ErrInline
	}
	members, ok := node.(map[string]any)
	if !ok {
		return ErrInline
	}
	for key := range members {
		if key != "file" && key != "env" {
			return ErrInline // in our words: a decoder's own error would show the line
		}
	}
	type plain Ref // without this method
	return decode((*plain)(r))
}

// IsZero reports whether the Ref names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Validate says what is wrong with the Ref itself. It does not look whether the secret is there.
func (r Ref) Validate() error {
	switch {
	case r.IsZero():
		return errors.New("is missing: give {file: PATH} or {env: NAME}")
	case r.File != "" && r.Env != "":
		return errors.New("has both file and env: give one of them")
	}
	return nil
}

// Read reads the secret. One line break at the end is taken off; what is empty or blank is an error. No variable
// inside the secret is expanded. No error names the file or the variable, because the secret itself may stand there
// by mistake; whoever wraps it names the field.
//
// A file that others may read is accepted: Kubernetes mounts secrets with mode 0644 unless told otherwise, and inside
// a container nobody else is there to read them. On a shared machine the file's mode is the operator's to set (0400).
func (r Ref) Read() (Value, error) {
	if err := r.Validate(); err != nil {
		return Value{}, fmt.Errorf("secret %w", err)
	}
	text, from := "", ""
	switch {
	case r.value != Value{}:
		text, from = r.value.Reveal(), "what ${} gave"
	case r.File != "":
		from = "the file"
		content, err := readFile(r.File)
		if err != nil {
			return Value{}, fmt.Errorf("read secret: %w", WithoutPath(err))
		}
		text = content
	default:
		from = "the environment variable"
		value, ok := os.LookupEnv(r.Env)
		if !ok {
			return Value{}, fmt.Errorf("read secret: %s is not set", from)
		}
		text = value
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		return Value{}, fmt.Errorf("read secret: %s is empty", from)
	}
	return New(text), nil
}

func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxBytes {
		return "", fmt.Errorf("the file is longer than %d bytes: not a secret", maxBytes)
	}
	return string(content), nil
}

// WithoutPath takes the path out of the error of a file, as what stands in place of the path of a key may be the key
// itself. What the error is can still be asked for.
func WithoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s the file: %w", path.Op, path.Err)
	}
	return err
}
