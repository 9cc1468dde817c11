"""Calls every method of Customer.io's Pipelines client for Python against the emulator at BASE, one message a request and gathered."""

import json
import os
import sys

from customerio.analytics.client import Client

BASE = os.environ["BASE"]
failed = []

for settings in ({"sync_mode": True}, {"sync_mode": True, "gzip": True}, {"on_error": lambda e, _: failed.append(str(e))}):
    c = Client("emulator-write-key", host=BASE, **settings)
    c.identify("cdp py", {"email": "cdp-py@example.com"}, anonymous_id="v py")
    c.track("cdp py", "purchase", {"a": 1})
    c.page("cdp py", "docs", "home", {"url": "https://example.com"})
    c.screen("cdp py", None, "feed")
    c.group("cdp py", "acme", {"name": "Acme"})
    c.track(anonymous_id="w py", event="looked")
    c.alias("w py", "cdp py")
    if not settings.get("sync_mode"):
        c.flush()
        c.shutdown()

if failed:
    sys.exit(f"the client failed: {failed}")
print(json.dumps({"messages": 21}))
