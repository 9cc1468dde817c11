package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

// AdminAddress is where a bridge's admin server listens unless it is configured otherwise.
const AdminAddress = "http://127.0.0.1:8080"

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 20

// AdminURL is the address of a path of an admin server, such as /status. The address may have the path already.
func AdminURL(address, path string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, exit.With(exit.Input, errors.New("--url: want the address of an admin server, such as "+
			AdminAddress))
	}
	if !strings.HasSuffix(u.Path, path) {
		u = u.JoinPath(path)
	}
	return u, nil
}

// A RefusedError is an answer with another status than 200.
type RefusedError struct {
	Code   int
	Status string // the code with its name
	Line   string // the first line of the answer
}

func (e *RefusedError) Error() string { return e.Status + ": " + output.Printable(e.Line) }

// Ask makes one request of a running bridge, and gives the answer. The headers are names, each with its value.
func Ask(ctx context.Context, method string, at *url.URL, headers ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return nil, exit.With(exit.Input, fmt.Errorf("--url: %w", err))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		line, _, _ := strings.Cut(string(answer), "\n")
		return nil, &RefusedError{res.StatusCode, res.Status, line}
	}
	return answer, nil
}
