package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever is sent to the App and Pipelines APIs is answered, with JSON and without a failure of the server, and has
// receipts that can be written.
func FuzzOtherAPIs(f *testing.F) {
	for _, row := range [][3]string{
		{"POST", "/v1/send/email", `{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"},"attachments":{"a":"YQ=="}}`},
		{"POST", "/v1/campaigns/8/triggers", `{"per_user_data":[{"id":"7","data":{}}],"data":{}}`},
		{"POST", "/v1/customers?limit=1&start=1", `{"filter":{"and":[{"not":{"segment":{"id":4}}},{"attribute":{"field":"a","operator":"eq","value":1}}]}}`},
		{"POST", "/v1/exports/customers", `{"filters":{"attribute":{"field":"id","operator":"exists"}},"attributes":["a"]}`},
		{"GET", "/v1/campaigns/1/metrics?version=2&res=hours&start=1&end=315360000", ``},
		{"GET", "/v1/activities?limit=3&start=2", ``},
		{"PUT", "/v1/newsletters/1/language/nb", `{"id":{},"updated":null}`},
		{"POST", "/v1/identify", `{"userId":"7","traits":{"createdAt":"2026-11-27T00:00:00Z"},"messageId":"m"}`},
		{"POST", "/v1/batch", `{"batch":[{"type":"group","userId":7,"groupId":"g","traits":{"relationshipAttributes":{}}},{"type":"alias"}]}`},
		{"POST", "/v1/track", `{"event":"Device Created or Updated","userId":"7","context":{"device":{"token":1}}}`},
		{"POST", "/v1/send/sms", `""}`},
	} {
		f.Add(row[0], row[1], row[2])
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		at, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/v1/") || strings.ContainsAny(method, " \n") || method == "" {
			t.Skip()
		}
		var log strings.Builder
		s := New(Options{NoRateLimits: true, ReceiptLog: &log})
		r, err := http.NewRequest(method, "http://localhost"+at.String(), strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+DefaultAppKey)
		if apiOf("localhost", at.Path) == "pipelines" {
			r.SetBasicAuth(DefaultWriteKey, "")
			r.Header.Set("X-Strict-Mode", "1")
		}
		for range 2 {
			r.Body = io.NopCloser(strings.NewReader(body))
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code < 200 || w.Code >= 500 || w.Code != 204 && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s %s: %d %q", method, path, w.Code, w.Body)
			}
		}
		for line := range strings.Lines(log.String()) {
			var receipt Receipt
			if err := json.Unmarshal([]byte(line), &receipt); err != nil {
				t.Fatalf("%v: %q", err, line)
			}
		}
	})
}
