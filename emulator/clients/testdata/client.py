"""Calls every method of Customer.io's clients for Python against the emulator at HOST:PORT. It prints how many methods it called as JSON,
and fails when a call fails or a method was left out."""

import inspect
import json
import os
import sys
from datetime import datetime, timezone

from customerio import (
    APIClient,
    CustomerIO,
    CustomerIOException,
    Regions,
    SendEmailRequest,
    SendInAppRequest,
    SendInboxMessageRequest,
    SendPushRequest,
    SendSMSRequest,
    SendWhatsAppRequest,
)

HOST, PORT = os.environ["HOST"], int(os.environ["PORT"])
called = {}


class Watch:
    """A client whose calls are noted by name."""

    def __init__(self, client):
        self.client = client
        self.names = called.setdefault(type(client).__name__, set())

    def __getattr__(self, name):
        self.names.add(name)
        return getattr(self.client, name)

    def complete(self, own):
        public = {
            name
            for name, _ in inspect.getmembers(type(self.client), inspect.isfunction)
            if not name.startswith("_") and name not in own
        }
        missed = sorted(public - self.names)
        if missed:
            sys.exit(f"{type(self.client).__name__} has methods that were not called: {missed}")


# What the clients have for themselves.
OWN = {"send_request", "setup_base_url", "is_valid_id_type"}
OWN |= {name for name, _ in inspect.getmembers(CustomerIO) if name.endswith("_query_string")}


def track():
    c = Watch(CustomerIO("emulator", "emulator-key", host=HOST, port=PORT))
    now = datetime.now(timezone.utc)
    c.identify(id="py 1/2", email="py@example.com", plan="pro", seen=now, score=float("nan"))
    c.identify(id=12, plan="free")
    c.track("py 1/2", "purchase", {"total": 12.5}, id="01HB4HBDKTFWYZCK01DMRSWRFD", timestamp=now)
    c.track("py 1/2", "empty")
    c.track_anonymous("visitor", "looked")
    c.track_anonymous(None, "invited", {"recipient": "new@example.com"})
    c.pageview("py 1/2", "https://example.com/a", referrer="b")
    c.backfill("py 1/2", "old", now, a=1)
    c.add_device("py 1/2", "token/1", "ios")
    c.add_device("py 1/2", "token2", "android", last_used=int(now.timestamp()))
    c.delete_device("py 1/2", "token/1")
    c.batch([{"type": "person", "action": "identify", "identifiers": {"id": "py 3"}, "attributes": {"plan": "pro"}}])
    c.merge_customers("id", "py 1/2", "id", "py 3")
    c.suppress(12)
    c.unsuppress(12)
    c.identify(id="gone")
    c.delete("gone")
    c.close()
    c.complete(OWN)
    try:
        CustomerIO("emulator", "wrong", host=HOST, port=PORT).identify(id="x")
        sys.exit("a wrong key was taken")
    except CustomerIOException as e:
        assert str(e).startswith("401"), e


def app():
    c = Watch(APIClient("emulator-app-key", url=f"https://{HOST}:{PORT}", region=Regions.EU))
    who = {"id": "py 1/2"}
    email = SendEmailRequest(to="py@example.com", transactional_message_id=3, identifiers=who, message_data={"a": 1})
    email.attach("a.txt", "text")
    answer = c.send_email(email)
    assert answer["delivery_id"] and answer["queued_at"], answer
    c.send_email(
        SendEmailRequest(
            to="py@example.com", identifiers=who, _from="a@example.com", subject="s", body="b", body_plain="b", preheader="p",
            reply_to="r@example.com", cc="c@example.com", bcc="d@example.com", fake_bcc=True, tracked=False, headers={"X-A": "b"},
            disable_css_preprocessing=True, send_to_unsubscribed=True, disable_message_retention=True, queue_draft=False, language="nb",
        )
    )
    c.send_push(SendPushRequest(transactional_message_id=3, identifiers=who, title="t", message="m", device={"token": "x", "platform": "ios"}, sound="s"))
    c.send_sms(SendSMSRequest(transactional_message_id=3, identifiers=who, to="+4712345678"))
    c.send_whatsapp(SendWhatsAppRequest(transactional_message_id=3, identifiers=who, to="+4712345678"))
    c.send_inbox_message(SendInboxMessageRequest(transactional_message_id=3, identifiers=who))
    c.send_in_app(SendInAppRequest(transactional_message_id=3, identifiers=who))
    c.close()
    c.complete(OWN)


track()
app()
print(json.dumps({kind: len(names) for kind, names in called.items()}))
