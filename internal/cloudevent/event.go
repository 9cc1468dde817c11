package cloudevent

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// ContentType is the media type of an event as JSON.
const ContentType = "application/cloudevents+json; charset=UTF-8"

// An Event is what is published. Its id and its source together are the same where it is published again.
type Event struct {
	ID      string
	Source  string
	Type    string
	Subject string    // whom or what it is about; empty where nobody says
	Time    time.Time // when it happened; zero where nobody says
	// Workspace is the name of the Customer.io workspace, as an extension attribute; empty for the one without a name.
	Workspace string
	// Revision counts how often the same thing was told with other content, from 1, and ContentHash is its digest.
	// Both are extension attributes; zero and empty where there are no revisions.
	Revision    int
	ContentHash string
	// Data is the content. Bytes are put into the text as base64, and everything else as JSON.
	Data any
}

// JSON is the event as text.
func (e *Event) JSON() ([]byte, error) {
	content := struct {
		Version   string    `json:"specversion"`
		ID        string    `json:"id"`
		Source    string    `json:"source"`
		Type      string    `json:"type"`
		Subject   string    `json:"subject,omitempty"`
		Time      time.Time `json:"time,omitzero"`
		Workspace string    `json:"workspace,omitempty"`
		Revision  int       `json:"revision,omitempty"`
		Hash      string    `json:"contenthash,omitempty"`
		Form      string    `json:"datacontenttype,omitempty"`
		Data      any       `json:"data,omitempty"`
		Bytes     []byte    `json:"data_base64,omitempty"`
	}{Version: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: e.Time.UTC(),
		Workspace: e.Workspace, Revision: e.Revision, Hash: e.ContentHash}
	if raw, ok := e.Data.([]byte); ok {
		content.Bytes = raw
	} else {
		content.Form, content.Data = "application/json", e.Data
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // which would make the content of an e-mail several times as large
	if err := encoder.Encode(content); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// IDHeader is the name of the header that repeats the id, and HashHeader of the one that repeats the content's hash.
const (
	IDHeader   = "ce_id"
	HashHeader = "ce_contenthash"
)

// Header is one of the headers of a record.
type Header struct{ Key, Value string }

// Headers are those that are stored beside the text.
func (e *Event) Headers() []Header {
	list := []Header{{"content-type", ContentType}, {IDHeader, e.ID}, {"ce_source", e.Source}, {"ce_type", e.Type}}
	if e.Workspace != "" {
		list = append(list, Header{"ce_workspace", e.Workspace})
	}
	if e.ContentHash != "" {
		list = append(list, Header{HashHeader, e.ContentHash}, Header{"ce_revision", strconv.Itoa(e.Revision)})
	}
	return list
}
