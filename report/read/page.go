package read

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/url"
	"strings"
)

// pages follows the tokens of a list until there is none, and hands on each page. A token that came before ends it with
// an error: the list would never end. The pages of what is asked with a body go by post.
//
// Of each token eight bytes are kept, of a list of a million entries a few kilobytes.
func (j *job) pages(
	ctx context.Context, doing, path string, body []byte, each func(page object) (more bool, err error),
) error {
	seed, seen := maphash.MakeSeed(), map[uint64]bool{}
	for start := ""; ; {
		var raw []byte
		var err error
		if from := withStart(path, start); body == nil {
			raw, err = j.get(ctx, doing, from)
		} else {
			raw, err = j.post(ctx, doing, from, body)
		}
		if err != nil {
			return err
		}
		page, err := decode(doing, raw)
		if err != nil {
			return err
		}
		if more, err := each(page); err != nil || !more {
			return err
		}
		start = page.text("next")
		if start == "" || start == "0" {
			return nil
		}
		token := maphash.String(seed, start)
		if seen[token] {
			return fmt.Errorf("%s: %w", doing, ErrRepeats)
		}
		seen[token] = true
	}
}

func withStart(path, start string) string {
	if start == "" {
		return path
	}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "start=" + url.QueryEscape(start)
}

// recent are the entries of a page and of the one before it. Where a list moves while it is read, the last entries of a
// page come again on the next.
type recent struct{ now, before map[string]bool }

// turn goes on to the next page.
func (r *recent) turn() { r.before, r.now = r.now, map[string]bool{} }

// again notes an entry, and reports whether it has come before.
func (r *recent) again(name string) bool {
	was := r.now[name] || r.before[name]
	r.now[name] = true
	return was
}
