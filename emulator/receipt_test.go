package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// brokenLog fails when it is told to.
type brokenLog struct {
	bytes.Buffer
	writes int
	broken bool
}

func (b *brokenLog) Write(p []byte) (int, error) {
	if b.broken {
		return 0, errors.New("disk full")
	}
	b.writes++
	return b.Buffer.Write(p)
}

func TestReceiptLog(t *testing.T) {
	log := &brokenLog{}
	c := start(t, Options{ReceiptLog: log})
	c.ok(c.batch(event("7", 1),
		"{ \"type\":\"person\",\n\"action\":\"identify\",\r\n\"identifiers\":{\"id\":\"\\u0041<é\\\"@b.c\"}}"))
	c.batch(`7`)
	c.do("POST", batchPath, `nonsense`)
	if log.writes != 3 {
		t.Errorf("%d writes for 3 requests", log.writes)
	}
	in := json.NewDecoder(bytes.NewReader(log.Bytes()))
	var read []Receipt
	for {
		var r Receipt
		if err := in.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, log.String())
		}
		read = append(read, r)
	}
	kept := c.s.Receipts(0)
	if len(read) != 4 || len(kept) != 4 || strings.Count(log.String(), "\n") != 4 {
		t.Fatalf("%d read, %d kept:\n%s", len(read), len(kept), log.String())
	}
	for i := range read {
		kept[i].At = kept[i].At.Round(0)
		if !read[i].At.Equal(kept[i].At) {
			t.Errorf("at %s, want %s", read[i].At, kept[i].At)
		}
		read[i].At = kept[i].At
		if i == 1 {
			kept[i].Body = read[i].Body // has its line breaks replaced
		}
		if !reflect.DeepEqual(read[i], kept[i]) {
			t.Errorf("read %+v\nkept %+v", read[i], kept[i])
		}
	}
	log.broken = true
	if r := c.batch(event("7", 3)); r.status != 500 {
		t.Errorf("answered %d without a receipt", r.status)
	}
}

func TestBodiesOfReceiptsAreBounded(t *testing.T) {
	body := strings.Repeat("x", keptBytes/4)
	for limit, want := range map[int]int{100: 4, 3: 3, -1: 20} {
		k := newBook(limit)
		for range 20 {
			k.add(&record{body: body})
		}
		if k.count != want || k.first() != 21-want || k.at(20).N != 20 || k.at(k.first()).N != k.first() {
			t.Errorf("limit %d keeps %d, from %d", limit, k.count, k.first())
		}
	}
}
