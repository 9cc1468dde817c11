package rawrequest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"mime/multipart"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// Pair is a name with a value: of a query or a form.
type Pair struct{ Name, Value string }

// CheckPairs reports a name that is empty, and what is no text.
func CheckPairs(pairs []Pair) error {
	for _, p := range pairs {
		switch {
		case p.Name == "":
			return errors.New("has a value without a name")
		case !utf8.ValidString(p.Name) || !utf8.ValidString(p.Value):
			return errors.New("has a name or a value that is no text in UTF-8")
		}
	}
	return nil
}

// AppendPairs appends names and values as a query has them, and a form. All but letters, digits and a few signs is
// percent-encoded, a space too, which every server reads.
func AppendPairs(dst []byte, pairs []Pair) []byte {
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = appendEscaped(append(appendEscaped(dst, p.Name), '='), p.Value)
	}
	return dst
}

// FormType is the type of a form without files.
const FormType = "application/x-www-form-urlencoded"

// File is a file of a form.
type File struct {
	Field   string // the name in the form
	Name    string // of the file
	Type    string // of its content; empty means bytes
	Content []byte
}

// Multipart writes a form with files, and gives its type. The same form is written in the same way each time, so that a
// request that is made again is the same request.
func Multipart(fields []Pair, files []File) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary(fields, files)); err != nil {
		return nil, "", err
	}
	for _, f := range fields {
		if err := w.WriteField(f.Name, f.Value); err != nil {
			return nil, "", err
		}
	}
	for _, f := range files {
		kind := f.Type
		if kind == "" {
			kind = "application/octet-stream"
		}
		if problem := CheckHeaderValue(kind); problem != "" {
			return nil, "", errors.New("the type of a file " + problem)
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="` + quoted(f.Field) + `"; filename="` + quoted(f.Name) + `"`},
			"Content-Type":        {kind},
		})
		if err == nil {
			_, err = part.Write(f.Content)
		}
		if err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// quoted writes a name as browsers do. A backslash would take the meaning from the quote behind it.
func quoted(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r == '"' || r == '\\' || isControl(r) {
			b.Write(appendEscaped(nil, string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// boundary is a text that follows from the content, and so does not stand in it.
func boundary(fields []Pair, files []File) string {
	h := sha256.New()
	for _, f := range fields {
		h.Write(AppendPairs(nil, []Pair{f}))
	}
	for _, f := range files {
		h.Write(AppendPairs(nil, []Pair{{f.Field, f.Name}}))
		h.Write(f.Content)
	}
	return "ciobridge-" + hex.EncodeToString(h.Sum(nil)[:16])
}
