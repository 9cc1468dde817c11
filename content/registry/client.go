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
func (c *Client) Schema(ctx context.Context, ref Ref) (Schema, error) {
	path := []string{"schemas", "ids", ref.String()}
	switch {
	case ref.hasGUID():
		path[1] = "guids"
	case ref.ID > math.MaxInt32: // a registry cannot have it, and answers as if the path were wrong
		return Schema{}, &UnknownError{ref}
	}
	a, err := c.get(ctx, "", path...)
	var missing *missingError
	switch {
	case errors.As(err, &missing) && missing.path && !ref.hasGUID():
		err = &StatusError{http.StatusNotFound}
	case errors.As(err, &missing): // a registry that knows no GUIDs has none
		return Schema{}, &UnknownError{ref}
	}
	if err != nil {
		return Schema{}, fmt.Errorf("ask for schema %s: %w", ref, err)
	}
	s := Schema{Type: a.SchemaType, Text: a.Schema}
	if s.Type == "" {
		s.Type = "AVRO"
	}
	err = c.references(ctx, &s, a, map[string]bool{})
	if many := errors.Is(err, errReferences); many || errors.As(err, &missing) {
		return Schema{}, &ReferenceError{ref, many}
	}
	if err != nil {
		return Schema{}, fmt.Errorf("ask for what schema %s refers to: %w", ref, err)
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
type missingError struct {
	code int
	path bool // it does not know the path, either
}

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

// unknownPath is what Confluent's registry says of a path that it does not know, with the code 404, which others give
// for a schema that they do not have.
const unknownPath = "HTTP 404 Not Found"

// read reads an answer. A registry says with a code of its own that it has no such subject, version or schema; without
// one a 404 is that of a wrong path.
func read(status int, body []byte) (*answer, error) {
	if status == http.StatusNotFound {
		var failed struct {
			Code    int    `json:"error_code"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(body, &failed); err == nil && (failed.Code == http.StatusNotFound ||
			failed.Code >= 40401 && failed.Code <= 40403) {
			return nil, &missingError{failed.Code, failed.Message == unknownPath}
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
