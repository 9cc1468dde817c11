package internal_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/ciobridge/ciobridge/internal/serve"
)

// What is being answered when the context ends is finished, and nobody else is let in.
func TestUntilFinishesAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- serve.Until(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			cancel()
			for closed := false; !closed; { // until the shutdown has begun, which closes the listener
				conn, err := net.Dial("tcp", listener.Addr().String())
				if closed = err != nil; !closed {
					conn.Close()
				}
			}
			_, _ = io.WriteString(w, "whole")
		}))
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + listener.Addr().String()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "whole" {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if late, err := client.Get(url); err == nil {
		late.Body.Close()
		t.Error("a request is answered after the end")
	}
}

// A listener that breaks is an error.
func TestUntilTellsFailures(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := serve.Until(t.Context(), listener, http.NotFoundHandler()); err == nil {
		t.Error("no error")
	}
}
