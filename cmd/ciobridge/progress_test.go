package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
)

// Elsewhere than on a terminal there is a line every ten seconds, and none of what is shorter.
func TestProgressInLines(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var out bytes.Buffer
	for name, w := range map[string]io.Writer{"a buffer": &out, "a file": file, "no place": null} {
		told := 0
		synctest.Test(t, func(t *testing.T) {
			p := cli.ShowProgress(w, func(took time.Duration) cli.State {
				told++
				return cli.State{Text: fmt.Sprint("after ", took.Round(time.Second))}
			})
			time.Sleep(21 * time.Second)
			p.Stop()
			p.Stop()
		})
		if told != 2 {
			t.Errorf("%s is told %d times, and taken for a terminal", name, told)
		}
	}
	want := "after 10s\nafter 20s\n"
	if text, err := os.ReadFile(file.Name()); err != nil || out.String() != want || string(text) != want {
		t.Errorf("told\n%s, and a file\n%s%v", &out, text, err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	failed := errors.New("failed")
	if err := cli.Interrupted(ctx, failed, "go on"); !errors.Is(err, failed) {
		t.Errorf("an error of its own became %v", err)
	}
	cancel()
	if err := cli.Interrupted(ctx, failed, "the same command goes on"); err == nil ||
		err.Error() != "interrupted; the same command goes on" {
		t.Errorf("%v", err)
	}
	if err := cli.Interrupted(ctx, nil, ""); err != nil {
		t.Errorf("what was done is %v", err)
	}
}
