"""What a platform's own SDK is given so that it meets the simulated platform: its requests to https://HOST/PATH are led
to {sandbox}/HOST/PATH or, with a store's token, to Llavero's proxy. Only the transport of `requests` and `httpx` is led
elsewhere; addresses, signatures and the handling of tokens stay the SDK's. Scripts run side by side: those of one
platform keep to accounts or hosts of their own.
"""

import os
import re
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import requests

SANDBOX = os.environ["LLAVERO_SANDBOX_URL"]
LLAVERO = os.environ["LLAVERO_URL"]

# The client that the development installation has at every simulated platform.
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"

# Hosts whose calls go through Llavero, with the store's token.
_forwarded = {}
_send = requests.adapters.HTTPAdapter.send
_handle = httpx.HTTPTransport.handle_request


def _route(address):
    """Where a request really goes, and the headers that it needs there."""
    parts = urlsplit(address)
    below = parts.path or "/"
    if parts.query:
        below += "?" + parts.query
    if parts.hostname == urlsplit(SANDBOX).hostname:
        return address, {}
    if parts.hostname in _forwarded:
        return f"{LLAVERO}/v1/proxy{below}", {"Authorization": f"Bearer {_forwarded[parts.hostname]}"}
    headers = {"X-Sandbox-Scheme": "http"} if parts.scheme == "http" else {}
    return f"{SANDBOX}/{parts.netloc.rpartition('@')[2]}{below}", headers


def _send_there(self, request, **options):
    request.url, headers = _route(request.url)
    request.headers.update(headers)
    return _send(self, request, **options)


def _handle_there(self, request):
    address, headers = _route(str(request.url))
    request.url = httpx.URL(address)
    request.headers.update({**headers, "Host": urlsplit(address).netloc})
    return _handle(self, request)


requests.adapters.HTTPAdapter.send = _send_there
httpx.HTTPTransport.handle_request = _handle_there


def forward(token, *hosts):
    """From now on calls to these hosts go through Llavero."""
    _forwarded.update(dict.fromkeys(hosts, token))


def control(path, **body):
    """The control API of the simulated platforms."""
    answer = requests.post(f"{SANDBOX}/_control{path}", json=body)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def consent(address, outcome="approve"):
    """The merchant at the platform's own page: the parameters that the browser is sent back with."""
    answer = requests.post(address, data={"outcome": outcome}, allow_redirects=False)
    assert answer.status_code in (302, 303), answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def _partner(path, asked, method="POST"):
    headers = {"Authorization": f"Bearer {os.environ['LLAVERO_API_KEY']}"}
    answer = requests.request(method, LLAVERO + path, json=asked, headers=headers)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def use_client(platform, **fields):
    """Tells Llavero the app's own client at a platform, for those that want more than an id and a secret."""
    _partner(f"/v1/platforms/{platform}/app", {"fields": fields}, "PUT")


def connect(platform, fields, tokens=None, method=None):
    """Connects a store at Llavero with what the SDK got or was given. Answers the store's token."""
    asked = {"platform": platform, "method": method, "customer_id": "sdk", "fields": fields, "tokens": tokens}
    return _token(_partner("/v1/stores", asked))


def _token(answer):
    """The store's token; of a store that was connected before, another one beside the first."""
    if answer["access_token"]:
        return answer["access_token"]
    return _partner(f"/v1/stores/{answer['store']['id']}/access-tokens", {"overlap_seconds": 3600})["access_token"]


def sign_up(platform, fields=None, outcome="approve"):
    """As a merchant with a browser: connects a store through Llavero's pages and the platform's. Answers its token."""
    back = os.environ["LLAVERO_RETURN_URL"]
    session = _partner("/v1/connect-sessions", {"platform": platform, "customer_id": "sdk", "return_url": back})
    browser = requests.Session()
    address, form = session["url"], None
    for _ in range(12):
        if address.startswith(back):
            code = dict(parse_qsl(urlsplit(address).query))["code"]
            return _token(_partner("/v1/access-tokens/exchange", {"code": code}))
        if address.startswith(SANDBOX):
            form = {"outcome": outcome}
        answer = browser.request("POST" if form else "GET", address, data=form, allow_redirects=False)
        form = None
        if "location" in answer.headers:
            address = urljoin(address, answer.headers["location"])
            continue
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)"', answer.text)
        link = re.search(r'<a [^>]*href="([^"]+)"[^>]*>[^<]*Back to', answer.text)
        assert hidden or link, f"{answer.status_code}: {answer.text}"
        if link:
            address = unescape(link[1])
        else:
            form = {**dict(hidden), **(fields or {})}
    raise AssertionError(f"it does not end: {address}")


class refused:
    """`with refused(Error, "text"):` fails unless the block raises that error, and its text holds `text`."""

    def __init__(self, error, text=""):
        self.error = error
        self.text = text

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        assert kind is not None, "it was not refused"
        if not issubclass(kind, self.error):
            return False
        assert self.text in str(error), str(error)
        return True
