package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Level is how grave an annotation is.
type Level string

// The levels.
const (
	ErrorLevel   Level = "error"
	WarningLevel Level = "warning"
)

// OnGitHub reports whether the process is a step of a workflow of GitHub Actions, as GitHub says in the environment.
func OnGitHub() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }

// Annotate writes a workflow command, by which GitHub shows a text beside a line of a changed file. GitHub reads it on
// standard output and on standard error. A path is told as it is below the workspace of the workflow.
func Annotate(w io.Writer, level Level, at mistake.Place, title, text string) {
	properties := []string{}
	add := func(name, value string) {
		properties = append(properties, name+"="+propertyEscapes.Replace(value))
	}
	if at.File != "" {
		add("file", belowWorkspace(at.File))
	}
	if at.Line > 0 {
		add("line", fmt.Sprint(at.Line))
	}
	if at.Column > 0 {
		add("col", fmt.Sprint(at.Column))
	}
	if title != "" {
		add("title", title)
	}
	fmt.Fprintf(w, "::%s %s::%s\n", level, strings.Join(properties, ","), textEscapes.Replace(text))
}

// AnnotateMistakes writes an annotation for each of some mistakes.
func AnnotateMistakes(w io.Writer, level Level, all []*mistake.Mistake) {
	for _, m := range all {
		text := m.Message
		if m.Path != "" {
			text = m.Path + ": " + text
		}
		Annotate(w, level, m.Place, "", text)
	}
}

// What a workflow command cannot hold as it is.
var (
	textEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func belowWorkspace(file string) string {
	path, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	below, err := filepath.Rel(os.Getenv("GITHUB_WORKSPACE"), path)
	if err != nil || !filepath.IsLocal(below) {
		return file
	}
	return filepath.ToSlash(below)
}
