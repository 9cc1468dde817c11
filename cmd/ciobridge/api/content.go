package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"

	"github.com/ciobridge/ciobridge/customerio/rawrequest"
)

// content is the body, of which there is one kind at most.
func (f *flags) content(in io.Reader, given string) (rawrequest.Content, error) {
	form := len(f.form)+len(f.files) > 0
	switch {
	case f.data != "" && form:
		return rawrequest.Content{}, errors.New("give either --data or a form, not both")
	case form && given != "":
		return rawrequest.Content{}, errors.New("--header Content-Type: a form has a type of its own")
	case form:
		return f.formContent(in)
	case f.data == "":
		return rawrequest.Content{}, nil
	}
	body := []byte(f.data)
	if name, file := strings.CutPrefix(f.data, "@"); file {
		var err error
		if body, err = read(in, name); err != nil {
			return rawrequest.Content{}, fmt.Errorf("--data: %w", err)
		}
	}
	if (given == "" || strings.Contains(strings.ToLower(given), "json")) && !json.Valid(body) {
		return rawrequest.Content{}, errors.New("--data: is no JSON; what is none needs a Content-Type that says so, " +
			"by -H")
	}
	return rawrequest.Content{Type: "application/json", Body: body}, nil
}

func (f *flags) formContent(in io.Reader) (rawrequest.Content, error) {
	fields, err := pairs("--form", f.form)
	if err != nil {
		return rawrequest.Content{}, err
	}
	if len(f.files) == 0 {
		return rawrequest.Content{Type: rawrequest.FormType, Body: rawrequest.AppendPairs(nil, fields)}, nil
	}
	var files []rawrequest.File
	for _, text := range f.files {
		field, name, found := strings.Cut(text, "=@")
		if !found || field == "" {
			return rawrequest.Content{}, fmt.Errorf("--file %s: want name=@FILE", text)
		}
		content, err := read(in, name)
		if err != nil {
			return rawrequest.Content{}, fmt.Errorf("--file %s: %w", field, err)
		}
		files = append(files, rawrequest.File{Field: field, Name: filepath.Base(name),
			Type: mime.TypeByExtension(filepath.Ext(name)), Content: content})
	}
	body, kind, err := rawrequest.Multipart(fields, files)
	return rawrequest.Content{Type: kind, Body: body}, err
}

func read(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}
