"""standardwebhooks: takes our deliveries as they come, under either secret of a roll-over, and refuses what was altered,
is old, or was signed for somebody else."""

import os
import queue
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch

import requests
from meeting import LLAVERO, refused
from standardwebhooks import Webhook, WebhookVerificationError

received = queue.Queue()


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(204)
        self.end_headers()
        received.put((body, {name.lower(): value for name, value in self.headers.items()}))

    def log_message(self, *_):
        pass


def call(method, path, body=None):
    headers = {"Authorization": f"Bearer {os.environ['LLAVERO_API_KEY']}"}
    answer = requests.request(method, LLAVERO + path, json=body, headers=headers)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def changed(headers, **new):
    return {**headers, **{f"webhook-{name}": value for name, value in new.items()}}


class Later(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(minutes=6)


server = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/hooks"
endpoint = call("POST", "/v1/webhook-endpoints", {"url": url, "event_types": ["store.expiring"]})
path = f"/v1/webhook-endpoints/{endpoint['id']}"
webhook = Webhook(endpoint["secret"])

delivery = call("POST", f"{path}/test")
body, headers = received.get(timeout=60)
told = webhook.verify(body, headers)
assert told["type"] == "webhook.test", told
assert told["data"]["webhook_endpoint_id"] == endpoint["id"], told
assert headers["webhook-id"] == delivery["event_id"], headers

moved = str(int(headers["webhook-timestamp"]) + 1)
for altered_body, altered in [
    (body.replace("webhook.test", "store.revoked"), headers),
    (body, changed(headers, id=headers["webhook-id"] + "0")),
    (body, changed(headers, timestamp=moved)),
    (body, changed(headers, signature="v1,")),
]:
    with refused(WebhookVerificationError):
        webhook.verify(altered_body, altered)
with refused(WebhookVerificationError):
    Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(body, headers)

# Kept and sent again six minutes later: the same bytes are refused by their age.
with patch("standardwebhooks.webhooks.datetime", Later), refused(WebhookVerificationError, "too old"):
    webhook.verify(body, headers)
webhook.verify(body, headers)

# Sent again on request: a signature of its own, and the id by which a receiver tells that it has it already.
call("POST", f"/v1/webhook-deliveries/{delivery['id']}/retry")
again, again_headers = received.get(timeout=60)
webhook.verify(again, again_headers)
assert again_headers["webhook-id"] == headers["webhook-id"]

# Rolled over: both secrets for a while.
rolled = call("POST", f"{path}/secret", {"overlap_seconds": 3600})
call("POST", f"{path}/test")
third, third_headers = received.get(timeout=60)
webhook.verify(third, third_headers)
Webhook(rolled["secret"]).verify(third, third_headers)
with refused(WebhookVerificationError):
    Webhook(rolled["secret"]).verify(body, headers)

call("DELETE", path)
server.shutdown()
