package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/chromiumtest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// The demo's page as a person sees it, on a desk and on a phone: everybody, one person who is found however long ago
// they came, receipts with their time, rule and event, and what became a dead letter beside them.
func TestPageOfTheDemo(t *testing.T) {
	longtest.Only(t)
	page := chromiumtest.Open(t)
	beside(t)
	p := start(t, "demo", "--dir", filepath.Join(t.TempDir(), "shop"), "--events", "600")
	eventually(t, "the samples done", time.Minute, func() bool { return strings.Contains(p.log.String(), "Ctrl-C") })
	url := regexp.MustCompile(`http://\S+`).FindString(p.log.String())
	page.Visit(url, 1200, 900)
	page.Await(`document.querySelectorAll("#receipts tbody tr").length > 50`)
	page.Await(`document.querySelector("#receipts").innerText.includes("rule ")`)
	page.Await(`/EVENTS\/0@\d+/.test(document.querySelector("#receipts").innerText)`)
	page.Await(`/\d\d:\d\d:\d\d/.test(document.querySelector("#receipts tbody tr td:nth-child(2)").innerText)`)
	page.Await(`document.querySelector("#letters").innerText.includes("missing_field")`)
	page.Fits()
	page.Screenshot("demo-1200")

	var first string // who came first is not among the latest hundred
	page.Eval(`fetch("/_emulator/receipts?limit=200").then(r => r.json()).then(d => d.receipts.find(r => r.applied).person)`,
		&first)
	page.Eval(`(document.querySelector("#who").value = `+quoted([]string{first})[0]+
		`, document.querySelector("#find-form").requestSubmit(), true)`, new(bool))
	page.Await(`document.querySelector("#people tbody tr[aria-current=true] .tag.good")`)
	page.Await(`document.querySelector("#people tbody tr").getAttribute("aria-current") === "true"`)
	page.Screenshot("demo-found-1200")

	page.Visit(url+"#"+"id%3Anobody_has_this", 390, 844)
	page.Await(`document.querySelector("#not-found").innerText.includes("id:nobody_has_this")`)
	page.Fits()
	page.Visit(url+"?phone", 390, 844)
	page.Await(`document.querySelectorAll("#receipts tbody tr").length > 50`)
	page.Fits()
	page.Screenshot("demo-390")
	page.Eval(`(document.querySelector("#receipts-title").scrollIntoView(), true)`, new(bool))
	page.Screenshot("demo-receipts-390")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// The operator's page of a bridge: how it does, and letters with their story and without their values.
func TestPageOfTheBridge(t *testing.T) {
	longtest.Only(t)
	page := chromiumtest.Open(t)
	beside(t)
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+", count_every: 50ms}")
	w.publishTexts([]string{`{"type":"numbered","other":"canary@example.com"}`, `{"type":"<b>of.nobody</b>"}`,
		`{"type":"numbered","who":"canary@example.com"}`})
	p := start(t, "run", "-c", path)
	url := p.admin(t) + "/"
	answers(t, url+"status", 200, `"dead_lettered": 1`, `"delivered": 1`, `"skipped": 1`)
	for name, width := range map[string]int{"bridge-1200": 1200, "bridge-390": 390} {
		page.Visit(url+"?"+name, width, 900)
		page.Await(`document.querySelector("#ready").innerText === "ready"`)
		page.Await(`document.querySelector("#source").innerText.includes("EVENTS")`)
		page.Await(`document.querySelector("#types").innerText.includes("<b>of.nobody</b>")`)
		page.Await(`document.querySelector("#letters").innerText.includes("missing_field")`)
		page.Eval(`(document.querySelector("#letters summary").click(), true)`, new(bool))
		page.Await(`/failed first, in mapping/.test(document.querySelector("#letters pre").innerText)`)
		page.Await(`/"other":"string/.test(document.querySelector("#letters pre").innerText)`)
		page.Fits()
		page.Screenshot(name)
		page.Eval(`(document.querySelector("#letters-title").scrollIntoView(), true)`, new(bool))
		page.Screenshot(name + "-letters")
		text := ""
		if page.Eval("document.documentElement.outerHTML", &text); strings.Contains(text, "canary") {
			t.Error("the page shows a value")
		}
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}
