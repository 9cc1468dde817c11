package exchange

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// ReadBody reads the body up to limit and reports whether that was all. A longer one is read on for a while and
// thrown away, because a client that is cut off while it writes may not see the answer.
func (x *Exchange) ReadBody(r *http.Request, limit int) (whole bool, err error) {
	var b strings.Builder
	if r.ContentLength > 0 {
		b.Grow(min(int(r.ContentLength), limit) + 1)
	}
	n, err := io.Copy(&b, io.LimitReader(r.Body, int64(limit)+1))
	x.Bytes, x.Body = int(n), b.String()
	if err != nil || x.Bytes <= limit {
		return true, err
	}
	const patience = 16 << 20
	rest, err := io.CopyN(io.Discard, r.Body, patience)
	x.Bytes += int(rest)
	x.Body = ""
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return false, err
}

// JSON reports whether a Content-Type is that of JSON in UTF-8.
func JSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json" && (params["charset"] == "" ||
		strings.EqualFold(params["charset"], "utf-8"))
}
