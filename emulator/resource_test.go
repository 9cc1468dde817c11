package emulator

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
)

// What people make in the user interface, or by the App API beside people: each line is a request, and after the bar
// the status and a part of the answer. They are carried out one after another.
const walk = `
GET /v1/campaigns | 200 "campaigns":[]
GET /v1/campaigns/1 | 200 "name":"campaign 1"
GET /v1/campaigns | 200 "id":1
GET /v1/campaigns/x | 404
GET /v1/campaigns/1/actions | 200 "actions":[{
GET /v1/campaigns/1/actions/0 | 404
PUT /v1/campaigns/1/actions/7 {"subject":"s","id":99} | 200 "id":7,"language":"","name":"content 7","subject":"s"
PUT /v1/campaigns/1/actions/7 [] | 400 body must be an object
GET /v1/campaigns/1/actions/7 | 200 "subject":"s"
GET /v1/campaigns/1/actions/7/language/nb | 404
PUT /v1/campaigns/1/actions/7/language/nb {"body":"b"} | 200 "body":"b"
GET /v1/campaigns/1/actions/7/language/nb | 200 "language":"nb"
GET /v1/campaigns/1/actions/8/language/nb | 404
GET /v1/campaigns/1/actions/7/metrics/links | 200 "links":[]
GET /v1/campaigns/1/actions/x/metrics | 404
GET /v1/campaigns/1/journey_metrics?start=1700000000&end=1700007200&resolution=hours | 200 "started":[0,0]
GET /v1/campaigns/1/journey_metrics | 400 resolution, start and end are required
GET /v1/broadcasts/8 | 200 "type":"triggered_broadcast"
GET /v1/broadcasts/8/triggers | 200 "triggers":[]
GET /v1/transactional/welcome | 200 "id":"welcome"
PUT /v1/transactional/3/content/1 {"body":"b"} | 200 "body":"b"
GET /v1/transactional/3/contents | 200 "contents":[{"body":"b"
PUT /v1/transactional/3/language/nb {"body":"c"} | 200 "language":"nb"
GET /v1/transactional | 200 "messages":[

GET /v1/newsletters/1 | 404
POST /v1/newsletters {} | 400 name is required
POST /v1/newsletters {"name":"n","recipient_segment_ids":[4],"subject":"s"} | 200 "id":1,"name":"n"
GET /v1/segments/4/used_by | 200 "draft_newsletters":[1],"sent_newsletters":[]
POST /v1/newsletters/1/language {"language":"nb"} | 200 "language":"nb"
POST /v1/newsletters/1/language {"language":"nb"} | 422 has this language already
POST /v1/newsletters/1/language {} | 400 language is required
DELETE /v1/newsletters/1/language/nb | 204
GET /v1/newsletters/1/language/nb | 404
POST /v1/newsletters/1/test_groups {} | 200 "newsletter":{
GET /v1/newsletters/1/test_groups | 200 "test_groups":[{"content_ids":[1],"id":1}]
POST /v1/newsletters/1/test_group/1/language {"language":"sv"} | 200 "language":"sv"
GET /v1/newsletters/1/test_group/1/language/sv | 200 "language":"sv"
GET /v1/newsletters/1/language/sv | 404
POST /v1/newsletters/1/schedule {"scheduled_at":1700000000} | 200 "scheduled_at":1700000000
POST /v1/newsletters/1/send {} | 200 "newsletter":{
POST /v1/newsletters/1/send {} | 422 was sent already
GET /v1/newsletters/1/messages | 200 "newsletter_id":1
GET /v1/messages?newsletter_id=1 | 200 "subject":"s"
GET /v1/messages/dl00000001 | 200 "recipient":"a@example.com"
GET /v1/messages/none | 404
GET /v1/segments/4/used_by | 200 "draft_newsletters":[],"sent_newsletters":[1]
DELETE /v1/newsletters/1 | 204
DELETE /v1/newsletters/1 | 404

POST /v1/design_studio/folders {"name":"f"} | 200 "folder":{
POST /v1/design_studio/emails {"name":"e"} | 200 "email":{
GET /v1/design_studio/emails?limit=1 | 200 "total":1
GET /v1/design_studio/emails?page=0 | 400 page must be a whole number from 1
PUT /v1/design_studio/emails/1 {"name":"g"} | 204
GET /v1/design_studio/emails/1 | 200 "name":"g"
POST /v1/design_studio/emails/1/languages {"language":"nb","subject":"s"} | 200 "email_translation":{
PUT /v1/design_studio/emails/1/languages/nb {"subject":"t"} | 204
GET /v1/design_studio/emails/1/languages | 200 "subject":"t"
DELETE /v1/design_studio/emails/1/languages/nb | 204
GET /v1/design_studio/emails/1/languages/nb | 404
POST /v1/design_studio/components {"name":"c"} | 400 tag is required
DELETE /v1/design_studio/emails/1 | 204
GET /v1/design_studio/emails/1 | 404

POST /v1/collections {"name":"c","data":[{"a":1}]} | 200 "collection":{
GET /v1/collections/1/content | 200 [{"a":1}]
PUT /v1/collections/1/content [{"a":1.50},{"a":2}] | 200 "rows":2
GET /v1/collections/1/content | 200 [{"a":1.50},{"a":2}]
PUT /v1/collections/1/content {} | 400 must be an array of rows
POST /v1/reporting_webhooks {"endpoint":"https://a.b"} | 400 events is required
POST /v1/reporting_webhooks {"endpoint":"https://a.b","events":["email_sent"]} | 200 "endpoint":"https://a.b"
GET /v1/reporting_webhooks | 200 "reporting_webhooks":[{
POST /v1/snippets {"name":"s","value":"v"} | 200 "value":"v"
POST /v1/snippets {"name":"s","value":"v"} | 422 there is a snippet of this name
PUT /v1/snippets {"name":"s","value":"w"} | 200 "value":"w"
DELETE /v1/snippets/s | 204
DELETE /v1/snippets/s | 404
POST /v1/esp/suppression/bounces/b@example.com | 200 {}
POST /v1/esp/suppression/others/b@example.com | 400 category must be one of
POST /v1/esp/suppression/bounces/b | 400 is not a valid email address
GET /v1/esp/search_suppression/b@example.com | 200 "category":"bounces"
GET /v1/esp/domains/example.com/suppression/bounces | 200 "email":"b@example.com"
GET /v1/esp/domains/other.com/suppression/bounces | 200 "suppressions":[]
DELETE /v1/esp/suppression/bounces/b@example.com | 204
GET /v1/esp/suppression/bounces | 200 "suppressions":[]
GET /v1/sender_identities/1 | 200 "sender_identity":{
GET /v1/sender_identities/2 | 404
POST /v1/imports {"import":{"type":"people"}} | 400 import.data_file_url
POST /v1/imports {"import":{"type":"people","data_file_url":"https://a.b/c.csv"}} | 200 "name":"import 1"
POST /v1/data_index/events {"events":[{"name":"n"}]} | 204
POST /v1/data_index/events {"events":[{}]} | 400 must have a name
GET /v1/workspaces | 200 "messages_sent":1
GET /v1/info/ip_addresses | 200 "ip_addresses":[]
GET /v1/subscription_topics | 200 "identifier":"topic_2"
GET /v1/subscription_channels | 200 "identifier":"sms"
GET /v1/subscription_center/7/token | 200 "token":"
GET /v1/subscription_center/8/token | 404
GET /v1/object_types | 200 "types":[]
GET /v1/customers/7/activities?type=attribute_change | 200 "customer_id":"7"
GET /v1/activities?customer_id=7&type=none | 200 "activities":[]
GET /v1/activities?limit=101 | 400 limit must be at most 100
GET /v1/activities?limit=x | 400 limit a whole number from 1
`

func TestTheRestOfTheAppAPI(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	c.do("PUT", "/api/v1/customers/7", `{"email":"a@example.com","cio_subscription_preferences.topics.topic_2":false}`)
	c.do("POST", "/api/v1/segments/4/add_customers", `{"ids":["7"]}`)
	for line := range strings.Lines(walk) {
		request, want, found := strings.Cut(strings.TrimSpace(line), " | ")
		if !found {
			continue
		}
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		status, part, _ := strings.Cut(want, " ")
		r := c.app(method, path, body)
		if strconv.Itoa(r.status) != status || !strings.Contains(r.body, part) {
			t.Errorf("%s: %d %s", line, r.status, r.body)
		}
	}
}

// A file is uploaded as a form.
func TestAssetsAreUploaded(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	upload := func(field, kind string) reply2 {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		form.WriteField("name", "a picture")
		part, _ := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="` + field + `"; filename="a.png"`}, "Content-Type": {kind},
		})
		part.Write([]byte("PNG"))
		form.Close()
		return c.do("POST", "/v1/assets/files", b.String(), func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+DefaultAppKey)
			r.Header.Set("Content-Type", form.FormDataContentType())
		})
	}
	if r := upload("file", "image/png"); r.status != 200 || !strings.Contains(r.body, `"name":"a picture","size":3`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	for field, kind := range map[string]string{"picture": "image/png", "file": "text/html"} {
		if r := upload(field, kind); r.status != 400 {
			t.Errorf("%s %s: %d %s", field, kind, r.status, r.body)
		}
	}
	if r := c.app("POST", "/v1/assets/files", "{}"); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.app("GET", "/v1/assets", ""); !strings.Contains(r.body, `"total":1`) {
		t.Error(r.body)
	}
}
