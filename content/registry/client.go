package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	requestLimit = 10 * time.Second
	maxAnswer    = 4 << 20
	// maxReferences bounds what one schema can make us ask for.
	maxReferences = 100
)

// Schema is a schema as the registry has it.
type Schema struct {
	Type string // AVRO, PROTOBUF or JSON
	Text string
	// References are the schemas that it uses, directly or by others. Each stands behind those that it uses itself.
	References []Reference
}

// Reference is a schema that another one uses.
type Reference struct {
	Name string // by which the other one refers to it
	Text string
}

// UnknownError says that the registry has no schema of that number.
type UnknownError struct{ ID uint32 }

// Error names the number.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("the schema registry has no schema %d", e.ID)
}

// ReferenceError says that the registry has a schema and not all that it refers to, or that this is too much.
type ReferenceError struct {
	ID   uint32
	many bool
}

// Error names the schema.
func (e *ReferenceError) Error() string {
	if e.many {
		return fmt.Sprintf("schema %d refers to more than %d others", e.ID, maxReferences)
	}
	return fmt.Sprintf("schema %d refers to one that the schema registry does not have", e.ID)
}

// StatusError is an answer that is none to the question: that of a proxy, of a wrong path, or of a registry that has
// trouble.
type StatusError struct{ Status int }

// Error names the status and what may be wrong.
func (e *StatusError) Error() string {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("the schema registry refuses the credentials (status %d)", e.Status)
	case http.StatusNotFound, http.StatusOK:
		return fmt.Sprintf("what answers is no schema registry (status %d): look at schema_registry.url", e.Status)
	}
	return fmt.Sprintf("the schema registry has trouble (status %d)", e.Status)
}

// Client asks one registry. It is safe for use by several goroutines. It must be closed.
type Client struct {
	config Config
	http   *http.Client
}

// New makes a client. It connects to nothing, and reads the secrets with each request, so that one that is renewed
// is used at once.
func New(c Config) (*Client, error) {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: requestLimit,
		ForceAttemptHTTP2: true,
	}
	if c.TLS != nil {
		conf, err := c.TLS.Client()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		transport.TLSClientConfig = conf
	}
	return &Client{c, &http.Client{
		Transport: transport, Timeout: requestLimit,
		// A redirect could take the credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// answer is a schema in the registry's words.
type answer struct {
	Schema     string `json:"schema"`
	SchemaType string `json:"schemaType"` // missing for Avro
	References []struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
		Version int    `json:"version"`
	} `json:"references"`
}

// Schema asks for a schema and for those that it uses. The error is an *UnknownError where the registry knows that
// there is none, and a *ReferenceError where that is so of what it uses; any other may pass.
func (c *Client) Schema(ctx context.Context, id uint32) (Schema, error) {
	if id > math.MaxInt32 { // a registry cannot have it, and answers as if the path were wrong
		return Schema{}, &UnknownError{id}
	}
	a, err := c.get(ctx, "", "schemas", "ids", strconv.FormatUint(uint64(id), 10))
	var missing *missingError
	if errors.As(err, &missing) {
		return Schema{}, &UnknownError{id}
	}
	if err != nil {
		return Schema{}, fmt.Errorf("ask for schema %d: %w", id, err)
	}
	s := Schema{Type: a.SchemaType, Text: a.Schema}
	if s.Type == "" {
		s.Type = "AVRO"
	}
	err = c.references(ctx, &s, a, map[string]bool{})
	if many := errors.Is(err, errReferences); many || errors.As(err, &missing) {
		return Schema{}, &ReferenceError{id, many}
	}
	if err != nil {
		return Schema{}, fmt.Errorf("ask for what schema %d refers to: %w", id, err)
	}
	return s, nil
}

var errReferences = errors.New("there are too many references")

// references adds what a schema uses, depth first.
func (c *Client) references(ctx context.Context, s *Schema, a *answer, seen map[string]bool) error {
	for _, r := range a.References {
		if seen[r.Name] {
			continue
		}
		if seen[r.Name] = true; len(seen) > maxReferences {
			return errReferences
		}
		// what was deleted softly is still used by values that were written before
		used, err := c.get(ctx, "?deleted=true", "subjects", r.Subject, "versions", strconv.Itoa(r.Version))
		if err != nil {
			return err
		}
		if err := c.references(ctx, s, used, seen); err != nil {
			return err
		}
		s.References = append(s.References, Reference{r.Name, used.Schema})
	}
	return nil
}

// missingError is the registry's own word that there is no such schema.
type missingError struct{ code int }

func (e *missingError) Error() string {
	return fmt.Sprintf("the schema registry does not have it (error code %d)", e.code)
}

// get asks for one schema.
func (c *Client) get(ctx context.Context, query string, path ...string) (*answer, error) {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(c.config.URL, "/")+"/"+strings.Join(path, "/")+query, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	if err := c.authorize(req); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		var own *url.Error
		if errors.As(err, &own) {
			err = own.Err // without the address
		}
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return read(res.StatusCode, body)
}

// read reads an answer. A registry says with a code of its own that it has no such subject, version or schema; without
// one a 404 is that of a wrong path.
func read(status int, body []byte) (*answer, error) {
	if status == http.StatusNotFound {
		var failed struct {
			Code int `json:"error_code"`
		}
		if err := json.Unmarshal(body, &failed); err == nil && (failed.Code == http.StatusNotFound ||
			failed.Code >= 40401 && failed.Code <= 40403) {
			return nil, &missingError{failed.Code}
		}
	}
	if status != http.StatusOK {
		return nil, &StatusError{status}
	}
	a := &answer{}
	if err := json.Unmarshal(body, a); err != nil || a.Schema == "" {
		return nil, &StatusError{status}
	}
	return a, nil
}

func (c *Client) authorize(req *http.Request) error {
	switch {
	case c.config.Username != "":
		password, err := c.config.Password.Read()
		if err != nil {
			return fmt.Errorf("password: %w", err)
		}
		req.SetBasicAuth(c.config.Username, password.Reveal())
	case !c.config.Token.IsZero():
		token, err := c.config.Token.Read()
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return nil
}
