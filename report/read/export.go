package read

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/customerio/download"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

const (
	mostExports = 3 // that are begun in one attempt, because the one before has failed
	mostLinks   = 5 // that are asked for, because nothing comes from the one before

	firstPoll   = 2 * time.Second
	longestPoll = 30 * time.Second
	mostWait    = 6 * time.Hour // for an export to be done

	firstPause   = time.Second // before another link
	longestPause = time.Minute
)

var (
	errFailed  error = &AnswerError{text: "Customer.io could not make the export, as often as it was asked to"}
	errArchive error = &AnswerError{text: "the file is a zip archive, which cannot be read while it comes"}
)

// An order is what an export is begun with, and what becomes of its lines.
type order struct {
	path   string
	body   []byte
	window report.Window
	object objectNamer
	made   []string // the columns that may tell when what a row is about came to be, the best first
}

func newOrder(kind string, body []byte, w report.Window, object string, columns ...string) order {
	return order{path: "/v1/exports/" + kind, body: body, window: w, object: objectNamer{object, columns}}
}

// export has a file made, or goes on with one that an earlier attempt has begun, and reads it.
func (j *job) export(ctx context.Context, o order) error {
	for range mostExports {
		id, err := j.begin(ctx, o)
		if err != nil {
			return err
		}
		done, err := j.await(ctx, id)
		if err == nil && done {
			var file io.ReadCloser
			if file, err = j.open(ctx, id); err == nil {
				return j.readFile(ctx, file, o)
			}
		}
		if err != nil && !missing(err) {
			return err
		}
		if err := j.Save(ctx, ""); err != nil { // it has failed, or it is not there any more: the next is another
			return err
		}
		j.Saved = ""
	}
	return fmt.Errorf("read the export: %w", errFailed)
}

// begin gives the id of an export that was begun for the same order, or begins one.
func (j *job) begin(ctx context.Context, o order) (id string, err error) {
	const doing = "begin an export"
	digest := sha256.Sum256(o.body)
	mark := hex.EncodeToString(digest[:8])
	if id, of, _ := strings.Cut(j.Saved, " "); id != "" && of == mark {
		return id, nil
	}
	raw, err := j.post(ctx, doing, o.path, o.body)
	if err != nil {
		return "", err
	}
	answer, err := decode(doing, raw)
	if err != nil {
		return "", err
	}
	if id = exportOf(answer).text("id"); id == "" {
		return "", fmt.Errorf("%s: %w", doing, errShape)
	}
	j.Saved = id + " " + mark
	return id, j.Save(ctx, j.Saved)
}

func exportOf(answer object) object {
	if wrapped := answer.inner("export"); wrapped != nil {
		return wrapped
	}
	return answer
}

// await asks, less and less often, until the export is done. It is not where it has failed, or takes too long.
func (j *job) await(ctx context.Context, id string) (done bool, err error) {
	doing := "ask for export " + id
	pauses := retry.Policy{First: firstPoll, Longest: longestPoll}.Streak()
	for began := time.Now(); time.Since(began) < mostWait; {
		raw, err := j.get(ctx, doing, "/v1/exports/"+url.PathEscape(id))
		if err != nil {
			return false, err
		}
		answer, err := decode(doing, raw)
		if err != nil {
			return false, err
		}
		e := exportOf(answer)
		switch {
		case e.text("status") == "failed", string(e["failed"]) == "true":
			return false, nil
		case e.text("status") == "done":
			return true, nil
		}
		if !retry.Sleep(ctx, pauses.Failed()) {
			return false, fmt.Errorf("%s: %w", doing, ctx.Err())
		}
	}
	return false, nil
}

// open begins to download the file. A link is valid for 15 minutes, and each try has a fresh one.
func (j *job) open(ctx context.Context, id string) (file io.ReadCloser, err error) {
	doing := "download export " + id
	pauses := retry.Policy{First: firstPause, Longest: longestPause, Growth: 2}.Streak()
	for try := 1; ; try++ {
		raw, err := j.get(ctx, doing, "/v1/exports/"+url.PathEscape(id)+"/download")
		if err != nil {
			return nil, err
		}
		answer, err := decode(doing, raw)
		if err != nil {
			return nil, err
		}
		link := answer.text("url")
		if link == "" {
			return nil, fmt.Errorf("%s: %w", doing, errShape)
		}
		file, err := j.api.Download(ctx, j.Workspace, link)
		if err == nil {
			return file, nil
		}
		var failed *download.Error
		if errors.As(err, &failed) && failed.Unfit() {
			return nil, retry.Permanent(fmt.Errorf("%s: %w", doing, err))
		}
		if try == mostLinks || !retry.Sleep(ctx, pauses.Failed()) {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
	}
}

// readFile reads the lines of a file, compressed or not. Where it breaks off the attempt is over: the next reads the
// same file from the beginning.
func (j *job) readFile(ctx context.Context, file io.ReadCloser, o order) error {
	defer file.Close()
	in := bufio.NewReaderSize(file, 64<<10)
	var text io.Reader = in
	switch first, _ := in.Peek(4); {
	case len(first) > 1 && first[0] == 0x1f && first[1] == 0x8b:
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return &AnswerError{"unpack the file of the export", err}
		}
		text = unpacked
	case string(first) == "PK\x03\x04":
		return retry.Permanent(fmt.Errorf("read the file of the export: %w", errArchive))
	}
	return j.readLines(ctx, newTable(text), o)
}
