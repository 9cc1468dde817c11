package customerio

import "slices"

// The limits of a message to one person, and of a broadcast. Customer.io documents kilobytes and megabytes.
const (
	// MaxMessageBytes is the largest request for a message, without its attachments.
	MaxMessageBytes = 1_000_000
	// MaxAttachmentBytes is the most that the attachments of a message have together, before they are encoded.
	MaxAttachmentBytes = 2_000_000
	// MaxRecipients is the most addresses of an e-mail: those of to, cc and bcc together.
	MaxRecipients = 15
	// MaxTriggerBytes is the largest request that triggers a broadcast.
	MaxTriggerBytes = 25_000_000
	// MaxTriggerDataBytes is the largest data object of a broadcast.
	MaxTriggerDataBytes = 50_000
	// MaxTriggerPeople is the most people whom a request that triggers a broadcast names one by one.
	MaxTriggerPeople = 10_000
)

const template = "transactional_message_id"

// message is the row of an action that has a message sent to one person.
func message(channel, purpose string, fields ...Field) Operation {
	person := person(byIDs)
	return Operation{
		Name: "send_" + channel, Path: "/v1/send/" + channel, Purpose: purpose,
		Fields:    slices.Concat([]Field{person}, fields, everyMessage),
		Endpoints: []Endpoint{Transactional}, Once: true, maxBytes: MaxMessageBytes,
	}
}

// member is a field whose value is a member of the request by the same name.
func member(key string, kind ValueKind, purpose, example string) Field {
	return Field{Key: key, Kind: ValueField, Value: kind, member: key, Purpose: purpose, Example: example}
}

// kept is a field without whose value no call is made where the rule gives it.
func kept(f Field) Field {
	f.Kept = true
	return f
}

// or is a field that has to be given where another one is not.
func or(key string, f Field) Field {
	f.Kept, f.Unless = true, key
	return f
}

var (
	ofTemplate = kept(member(template, NumberedText, "the number of the message in Customer.io, or its trigger name",
		"order_receipt"))

	everyMessage = []Field{
		member("message_data", ObjectValue, "what the message's Liquid reads: a map, with expressions at any depth, "+
			"or an expression that gives an object", "{order: {id: .id, total: .total}}"),
		member("language", TextValue, "the language, in place of the person's own", "de"),
		member("queue_draft", TruthValue, "true where the message waits as a draft until somebody sends it", "true"),
		member("send_at", TimeValue, "when the message is sent, up to 90 days from now; what is past is sent at once",
			".remind_at"),
	}
	autoCreate = member("auto_create", TruthValue, "true where a trigger name that Customer.io does not know becomes "+
		"an empty message of that name", "true")
	unretained = member("disable_message_retention", TruthValue, "true where Customer.io does not keep the text of "+
		"the message", "true")
	unsubscribedToo = member("send_to_unsubscribed", TruthValue, "false where the message is not sent to people who "+
		"have unsubscribed", "false")
	tracked = member("tracked", TruthValue, "false where opened messages and clicked links are not counted", "false")

	phone = required(member("to", PhoneValue, "the phone number, in E.164 form", ".phone"))
	from  = member("from", TextValue, "the number or name that the message is from, in place of the template's",
		"\"+15551234567\"")
)

func sendEmail() Operation {
	return message("email", "sends an e-mail to the person",
		ofTemplate,
		required(member("to", AddressesValue, "the addresses, with or without names: a text with commas, or a list",
			".email")),
		or(template, member("from", TextValue, "the sender, in place of the template's; without a template it is "+
			"required", "\"Shop <hello@example.com>\"")),
		or(template, member("subject", TextValue, "the subject, in place of the template's; without a template it is "+
			"required", "Your order")),
		or(template, member("body", TextValue, "the HTML text, in place of the template's; without a template it is "+
			"required", ".html")),
		member("body_plain", TextValue, "the plain text, in place of the template's", ".text"),
		member("body_amp", TextValue, "the AMP text", ".amp"),
		member("preheader", TextValue, "what is shown behind the subject", "It is on its way"),
		member("reply_to", TextValue, "the address for answers, where it is not the sender's", "help@example.com"),
		member("cc", AddressesValue, "addresses that get a copy, and are seen", ".manager.email"),
		member("bcc", AddressesValue, "addresses that get a copy, and are not seen", "archive@example.com"),
		member("fake_bcc", TruthValue, "true where those of `bcc` get a copy whose subject names the recipients",
			"true"),
		member("headers", HeadersValue, "headers of the e-mail: a map of names to texts, all in ASCII without blanks",
			"{X-Mailgun-Tag: receipts}"),
		member("attachments", FilesValue, "files by their names, which have an extension: a map to their contents in "+
			"base64", "{invoice.pdf: .invoice_base64}"),
		member("disable_css_preprocessing", TruthValue, "true where styles stay as they are written", "true"),
		tracked, unsubscribedToo, unretained, autoCreate)
}

func sendPush() Operation {
	payload := member("custom_payload", ObjectValue, "the whole payload by platform, in place of all else",
		"{ios: {aps: {alert: .text}}}")
	payload.Members = []string{"android", "ios"}
	device := member("custom_device", DeviceValue, "a device that the person gets with the message: `token`, "+
		"`platform`, `last_used` and `attributes`", "{token: .token, platform: ios}")
	device.Members = []string{"attributes", "last_used", "platform", "token"}
	device.Needs = []string{"token", "platform"}
	return message("push", "sends a push message to the person's devices",
		required(ofTemplate),
		member("to", TextValue, "`all` devices, the one that was `last_used`, or the token of one; left out, all",
			"last_used"),
		member("title", TextValue, "the title, in place of the template's", ".title"),
		member("message", TextValue, "the text, in place of the template's", ".text"),
		member("image_url", TextValue, "the image, in place of the template's", ".image"),
		member("link", TextValue, "what opens with a tap, in place of the template's", "app://orders"),
		words(member("sound", TextValue, "whether an iOS device plays its sound", "none"), "default", "none"),
		member("custom_data", ObjectValue, "members that the payload has besides", "{order: .id}"),
		payload, device,
		unsubscribedToo, unretained, autoCreate)
}

func sendInbox() Operation {
	return message("inbox_message", "puts a message into the person's inbox in the app",
		required(ofTemplate), member("to", TextValue, "whom the message goes to, where it is not the person", ".to"),
		unretained, autoCreate)
}

func triggerBroadcast() Operation {
	audience := func(key string, kind ValueKind, who Identifier, purpose, example string) Field {
		f := member(key, kind, purpose, example)
		f.Kept, f.Exclusive, f.Who, f.MaxEntries = true, true, who, MaxTriggerPeople
		return f
	}
	recipients := audience("recipients", FilterValue, 0, "the people for whom a condition holds: one of `and`, `or`, "+
		"`not`, `segment` and `attribute`", "{segment: {id: 7}}")
	recipients.MaxEntries, recipients.Members = 0, []string{"and", "or", "not", "segment", "attribute"}
	file := audience("data_file_url", TextValue, 0, "a file with a person in each line", ".file_url")
	file.MaxEntries = 0
	data := member("data", ObjectValue, "what the broadcast's Liquid reads as `trigger`: a map, with expressions at "+
		"any depth, or an expression that gives an object", "{headline: .title}")
	data.MaxBytes = MaxTriggerDataBytes
	return Operation{
		Name: "trigger_broadcast", Path: "/v1/campaigns/{}/triggers",
		Purpose: "sends a broadcast to the people whom it is for, or to those who are named here",
		Fields: []Field{
			{Key: "broadcast", Kind: ValueField, Required: true, InPath: true, Positive: true, Subject: true,
				Purpose: "the number of the broadcast", Example: "8"},
			data, recipients,
			audience("ids", TextsValue, ID, "people by their ids", "[.user_id]"),
			audience("emails", TextsValue, Email, "people by their addresses", ".emails"),
			audience("per_user_data", PeopleValue, 0, "people by `id` or `email`, each with `data` of their own",
				".people"),
			file,
			option("id_ignore_missing", "true where unknown ids are passed over; else one of them fails the broadcast",
				"ids", "per_user_data", "data_file_url"),
			option("email_ignore_missing", "true where unknown addresses are passed over; else one of them fails "+
				"the broadcast", "emails", "per_user_data", "data_file_url"),
			option("email_add_duplicates", "true where everybody with an address gets the broadcast; else an "+
				"address of two people fails it", "emails", "per_user_data", "data_file_url"),
		},
		Endpoints: []Endpoint{Broadcast}, Once: true, maxBytes: MaxTriggerBytes,
	}
}

func option(key, purpose string, with ...string) Field {
	f := member(key, TruthValue, purpose, "true")
	f.With = with
	return f
}

func words(f Field, choices ...string) Field {
	f.Choices = choices
	return f
}
