"""What a partner's back end needs of Llavero: calls with the app's API key, calls with a store's token, and the proof that
what comes by way of others, a browser or the network, was sent by Llavero. Nothing but the standard library."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, quote

# Seconds that may lie between signing and arriving.
RETURN_AGE = 600
WEBHOOK_AGE = 300


class Problem(Exception):
    """An error of Llavero's own. Programs go by `code`; `request_id` finds it in Llavero's log."""

    def __init__(self, told):
        super().__init__(f"{told['status']} {told['code']}: {told['detail']}")
        self.status, self.code, self.request_id = told["status"], told["code"], told["request_id"]


class Forged(Exception):
    """It was not sent by Llavero, or too long ago."""


class Llavero:
    def __init__(self, url, api_key, signing_secret):
        self.url, self.api_key, self.signing_secret = url.rstrip("/"), api_key, signing_secret

    def api(self, method, path, body=None):
        """A call of the partner API: what it answers, `None` for no content."""
        return self._send(method, path, self.api_key, body)[1]

    def call(self, token, method, path, body=None):
        """A call of the platform's own API, as the platform documents it: its status and its JSON."""
        return self._send(method, "/v1/proxy" + path, token, body)

    def _send(self, method, path, bearer, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {bearer}"}, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read()
            told = json.loads(text) if text else None
            # A platform's errors pass unchanged, and are the caller's to understand.
            if answer.status >= 400 and answer.headers.get("Llavero-Source") != "platform":
                raise Problem(told)
            return answer.status, told

    def returned(self, query, own=()):
        """The parameters that came to the return URL. `own`: names of those that belong to the URL itself."""
        pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in own]
        told = dict(pairs)
        text = "&".join(sorted(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in pairs if n != "signature"))
        mac = hmac.digest(self.signing_secret.encode(), text.encode(), hashlib.sha256)
        wanted = base64.urlsafe_b64encode(mac).rstrip(b"=")
        if not hmac.compare_digest(wanted, told.get("signature", "").encode()):
            raise Forged("the signature of the return URL is wrong")
        if abs(time.time() - int(told["timestamp"])) > RETURN_AGE:
            raise Forged("the return URL is too old")
        return told


def event_of(headers, body, secret):
    """The event that a webhook brings, by Standard Webhooks. `body`: the bytes as they came, not yet parsed."""
    identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256))
    # More than one while a secret is rolled over.
    given = [one.removeprefix("v1,").encode() for one in headers.get("webhook-signature", "").split()]
    if not any(hmac.compare_digest(wanted, one) for one in given):
        raise Forged("the signature of the webhook is wrong")
    if abs(time.time() - int(timestamp)) > WEBHOOK_AGE:
        raise Forged("the webhook is too old")
    return {"id": identifier, **json.loads(body)}
