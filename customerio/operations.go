package customerio

var (
	named   = []Identifier{ID, Email, Phone, CioID}
	anybody = []Identifier{ID, Email, Phone, CioID, AnonymousID}

	batchOnly    = []Endpoint{Batch}
	batchOrAlone = []Endpoint{Batch, Single}

	eventName = Field{Key: "name", Kind: NameField, member: "name", Required: true, MaxBytes: MaxEventNameBytes}
	pageName  = Field{Key: "name", Kind: NameField, member: "name", Required: true, MaxRunes: MaxPageNameRunes}
	data      = Field{Key: "data", Kind: DataField, member: "attributes"}
	except    = Field{Key: "except", Kind: ExceptField}

	byIDs     = []Identifier{ID, Email, CioID} // of what does not know phone numbers
	toObjects = Field{Key: "relationships", Kind: RelationshipsField, member: "cio_relationships", Lanes: true}
	toPersons = Field{Key: "relationships", Kind: RelationshipsField, member: "cio_relationships", Lanes: true,
		Identifiers: byIDs}
	object     = Field{Key: "object", Kind: ObjectField, within: "identifiers", Required: true, Lanes: true}
	ofAnObject = Field{Key: "attributes", Kind: AttributesField, member: "attributes", Plain: true,
		MaxEntries: MaxAttributes}
	removals    = Field{Key: "remove", Kind: RemovalsField}
	deviceToken = Field{Key: "token", Kind: ValueField, member: "token", within: "device", Required: true,
		Purpose: "the device's token, as the push service gave it", Example: ".device.token"}
	delivery = Field{Key: "delivery", Kind: ValueField, Required: true, Subject: true,
		Purpose: "the id of the delivery, which a message carries as CIO-Delivery-ID", Example: ".delivery_id"}
)

var operations = [...]Operation{
	Identify: {
		Name: "identify", wire: "identify", Purpose: "makes the person, or sets and removes attributes of them",
		Fields: []Field{
			person(named),
			{Key: "attributes", Kind: AttributesField, member: "attributes", Lanes: true, MaxEntries: MaxAttributes},
			except,
			removals,
			{Key: "timestamp", Kind: TimestampField},
			{Key: "topics", Kind: TopicsField},
			{Key: "update_only", Kind: UpdateOnlyField},
			toObjects,
		},
		Timestamp: ReplayTime, Endpoints: batchOnly,
	},
	Track: {
		Name: "track", wire: "event", Purpose: "tells what the person did",
		Fields:    []Field{person(anybody), eventName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Pageview: {
		Name: "pageview", wire: "page", Purpose: "tells which page the person saw",
		Fields:    []Field{person(anybody), pageName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Screen: {
		Name: "screen", wire: "screen", Purpose: "tells which screen of an app the person saw",
		Fields:    []Field{person(anybody), pageName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Delete: {
		Name: "delete", wire: "delete", Purpose: "deletes the person; a later call may make them anew",
		Fields: []Field{person(named)}, Endpoints: batchOnly, Destructive: true,
	},
	Suppress: {
		Name: "suppress", wire: "suppress",
		Purpose: "deletes the person, and keeps the identifier from being used or sent to again",
		Fields:  []Field{person(named)}, Endpoints: batchOnly, Destructive: true,
	},
	Unsuppress: {
		Name: "unsuppress", wire: "unsuppress",
		Purpose: "lets a suppressed identifier be used again; what was deleted does not come back",
		Fields:  []Field{person(named)}, Endpoints: batchOnly,
	},
	Merge: {
		Name: "merge", wire: "merge",
		Purpose: "makes two persons one: the primary stays, the secondary is gone, and no call undoes it",
		Fields: []Field{
			{Key: "primary", Kind: PersonField, within: "primary", Required: true, Identifiers: byIDs, Lanes: true},
			{Key: "secondary", Kind: OtherPersonField, within: "secondary", Required: true, Identifiers: byIDs,
				Lanes: true},
		},
		Endpoints: batchOnly, Destructive: true,
	},
	AddDevice: {
		Name: "add_device", wire: "add_device",
		Purpose: "gives the person a device that push messages go to, or changes it",
		Fields: []Field{
			person(named), deviceToken,
			{Key: "platform", Kind: ValueField, member: "platform", within: "device", Required: true,
				Choices: []string{"ios", "android"}, Purpose: "the device's system", Example: "ios"},
			{Key: "last_used", Kind: ValueField, Value: TimeValue, member: "last_used", within: "device",
				Purpose: "when the device was last used; without it Customer.io takes the time of receipt",
				Example: ".device.seen_at"},
			{Key: "attributes", Kind: AttributesField, member: "attributes", within: "device", Plain: true,
				Texts: true},
			except,
		},
		Endpoints: batchOnly,
	},
	DeleteDevice: {
		Name: "delete_device", wire: "delete_device", Purpose: "takes a device from the person",
		Fields: []Field{person(named), deviceToken}, Endpoints: batchOnly,
	},
	AddRelationships: {
		Name: "add_relationships", wire: "add_relationships", Purpose: "relates the person to objects",
		Fields: []Field{person(named), required(toObjects)}, Endpoints: batchOnly,
	},
	DeleteRelationships: {
		Name: "delete_relationships", wire: "delete_relationships",
		Purpose: "ends relationships of the person to objects",
		Fields:  []Field{person(named), required(toObjects)}, Endpoints: batchOnly,
	},
	IdentifyObject: {
		Name: "identify_object", item: "object", wire: "identify",
		Purpose: "makes an object, such as a company or a course, or sets and removes attributes of it",
		Fields:  []Field{object, ofAnObject, except, removals, toPersons}, Endpoints: batchOnly,
	},
	IdentifyAnonymousObject: {
		Name: "identify_anonymous_object", item: "object", wire: "identify_anonymous",
		Purpose: "does the same, and relates the object to visitors who have no name yet",
		Fields: []Field{object, ofAnObject, except, removals, {Key: "relationships", Kind: RelationshipsField,
			member: "cio_relationships", Required: true, Identifiers: []Identifier{AnonymousID}, Lanes: true}},
		Endpoints: batchOnly,
	},
	DeleteObject: {
		Name: "delete_object", item: "object", wire: "delete",
		Purpose: "deletes an object, and its relationships with it",
		Fields:  []Field{object}, Endpoints: batchOnly, Destructive: true,
	},
	AddObjectRelationships: {
		Name: "add_object_relationships", item: "object", wire: "add_relationships",
		Purpose: "relates an object to persons",
		Fields:  []Field{object, required(toPersons)}, Endpoints: batchOnly,
	},
	DeleteObjectRelationships: {
		Name: "delete_object_relationships", item: "object", wire: "delete_relationships",
		Purpose: "ends relationships of an object to persons",
		Fields:  []Field{object, required(toPersons)}, Endpoints: batchOnly,
	},
	PushMetric: {
		Name: "push_metric", item: "delivery", wire: "event",
		Purpose: "tells what became of a push message on a device",
		Fields: []Field{
			in("identifiers", "id", delivery),
			{Key: "metric", Kind: ValueField, member: "name", Required: true,
				Choices: []string{"opened", "converted", "delivered"}, Purpose: "what became of it", Example: "opened"},
			{Key: "device_token", Kind: ValueField, member: "device_token", within: "attributes", Required: true,
				Purpose: "the token of the device", Example: ".device.token"},
		},
		Endpoints: batchOnly,
	},
	ViewedContent: {
		Name: "viewed_content", wire: "viewed_content", event: "viewed_content",
		Purpose:   "tells that the person saw content, such as an in-app message",
		Fields:    []Field{person(anybody), data, except},
		Timestamp: EventTime, Endpoints: batchOnly, Repeatable: true,
	},
	ClickedContent: {
		Name: "clicked_content", wire: "clicked_content", event: "clicked_content",
		Purpose:   "tells that the person clicked content, such as an in-app message",
		Fields:    []Field{person(anybody), data, except},
		Timestamp: EventTime, Endpoints: batchOnly, Repeatable: true,
	},
	Invite: {
		Name: "invite", wire: "event", Path: "/api/v1/events",
		Purpose: "is an event of somebody who is no person yet: a campaign may write to their address",
		Fields: []Field{
			eventName,
			{Key: "recipient", Kind: PersonField, member: "recipient", within: "data", Required: true,
				Identifiers: []Identifier{Email}, Lanes: true},
			{Key: "data", Kind: DataField, within: "data"},
			except,
		},
		Timestamp: EventTime, Endpoints: alone, Repeatable: true,
	},
	AddToSegment: {
		Name: "add_to_segment", Path: "/api/v1/segments/{}/add_customers?id_type={kind}",
		Purpose: "adds the person to a manual segment", Fields: []Field{inSegment, segment}, Endpoints: alone,
		Shared: true,
	},
	RemoveFromSegment: {
		Name: "remove_from_segment", Path: "/api/v1/segments/{}/remove_customers?id_type={kind}",
		Purpose: "takes the person from a manual segment", Fields: []Field{inSegment, segment}, Endpoints: alone,
		Shared: true,
	},
	SubmitForm: {
		Name: "submit_form", Path: "/api/v1/forms/{}/submit",
		Purpose: "tells that the person sent a form; one that Customer.io does not know is made",
		Fields: []Field{
			{Key: "form", Kind: ValueField, Required: true, InPath: true, MaxBytes: MaxIDBytes,
				Purpose: "the id of the form", Example: "newsletter"},
			{Key: "person", Kind: PersonField, within: "data", Required: true, Identifiers: []Identifier{ID, Email},
				Lanes: true},
			{Key: "data", Kind: AttributesField, within: "data", Texts: true,
				Ignored: []string{"form_id", "form_name", "form_type", "form_url", "form_url_param"}},
			except,
		},
		Endpoints: alone,
	},
	Metric: {
		Name: "metric", Path: "/api/v1/metrics", Purpose: "tells what became of a message of any channel",
		Fields: []Field{
			in("", "delivery_id", delivery),
			{Key: "metric", Kind: ValueField, member: "metric", Required: true, Choices: []string{"bounced", "clicked",
				"converted", "deferred", "delivered", "dropped", "opened", "spammed"}, Purpose: "what became of it",
				Example: "clicked"},
			{Key: "at", Kind: ValueField, Value: TimeValue, member: "timestamp",
				Purpose: "when that was; without it Customer.io takes the time of receipt", Example: ".at"},
			{Key: "recipient", Kind: ValueField, member: "recipient", Purpose: "whom the message went to",
				Example: ".address"},
			{Key: "reason", Kind: ValueField, member: "reason", Purpose: "why it did not arrive", Example: ".error"},
			{Key: "href", Kind: ValueField, member: "href", Purpose: "the link that was clicked", Example: ".url"},
		},
		Endpoints: alone,
	},
	Unsubscribe: {
		Name: "unsubscribe", Path: "/unsubscribe/{}",
		Purpose: "unsubscribes whom a delivery went to, and counts it for that delivery: what a page of your own for " +
			"unsubscribing calls",
		Fields: []Field{path(delivery)}, Endpoints: alone, body: `"unsubscribe":true`,
	},
	RawRequest: {
		Name: "request", Purpose: "makes a request of one's own, for what no other action does",
		Fields: requestFields(), Destructive: true,
	},
	SendEmail: sendEmail(), SendPush: sendPush(), SendInboxMessage: sendInbox(), TriggerBroadcast: triggerBroadcast(),
	SendSMS: message("sms", "sends a text message to a phone of the person",
		required(ofTemplate), phone, from, tracked, unsubscribedToo, unretained, autoCreate),
	SendWhatsApp: message("whatsapp", "sends a WhatsApp message to a phone of the person",
		required(ofTemplate), phone, from, tracked, unsubscribedToo, unretained),
	SendInApp: message("in_app", "shows the person a message in the app", required(ofTemplate), unretained, autoCreate),
}

var (
	alone     = []Endpoint{Single}
	inSegment = Field{Key: "person", Kind: PersonField, Listed: true, Required: true,
		Identifiers: byIDs, Lanes: true}
	segment = Field{Key: "segment", Kind: ValueField, Required: true, InPath: true, Positive: true,
		Purpose: "the number of the segment, which must exist and be a manual one", Example: "7"}
)
