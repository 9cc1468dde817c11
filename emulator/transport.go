package emulator

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport carries requests to the server without a network, so that an http.Client can talk to it in virtual time
// (testing/synctest). The Host header stays the one of the request's URL. A request runs in a goroutine of its own,
// which has ended when the response's body has been read to its end or closed, or when RoundTrip has returned an
// error.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	out, into := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: into, began: make(chan struct{}), done: make(chan struct{})}
	go w.serve(t.server, in)
	select {
	case <-w.began:
	case <-w.done:
	case <-ctx.Done():
	}
	closed := &pipeBody{PipeReader: out, cancel: cancel, done: w.done}
	select {
	case <-w.began:
	default: // the handler ended, or was left, before it answered
		closed.Close()
		in.Body.Close()
		if err := context.Cause(r.Context()); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: closed, ContentLength: -1, Request: r,
	}, nil
}

// pipeWriter is the response of a handler that runs beside its reader.
type pipeWriter struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	once         sync.Once
	began, done  chan struct{}
}

func (w *pipeWriter) serve(h http.Handler, r *http.Request) {
	defer close(w.done)
	defer r.Body.Close()
	defer func() {
		switch e := recover(); e {
		case nil:
			w.WriteHeader(http.StatusOK)
			w.body.Close()
		case http.ErrAbortHandler:
			w.body.CloseWithError(io.ErrUnexpectedEOF)
		default:
			panic(e)
		}
	}()
	h.ServeHTTP(w, r)
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// pipeBody ends the handler when it is closed, and waits for that.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

func (b *pipeBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil {
		<-b.done
		b.cancel()
	}
	return n, err
}

func (b *pipeBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.done
	return err
}
