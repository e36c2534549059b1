"""The samples of the reference are run as its pages show them, in one language: every operation that the description lists,
against a store, a session and an endpoint that exist. Only what is an example on the page (ids, the customer, addresses of
the partner's own) is put right first, as a reader would. An answer that is no success has to be expected here."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.append(str(Path(__file__).parents[3] / "examples/partner"))

import merchant
from llavero import Llavero

LABEL, *PROGRAM = sys.argv[1:]
URL = os.environ["LLAVERO_URL"].rstrip("/")
ENDINGS = {"curl": ".sh", "JavaScript": ".mjs", "Python": ".py"}
# One shop is one customer's, so each language has a platform of its own.
PLATFORMS = {"curl": "jumpseller", "JavaScript": "squarespace", "Python": "allegro"}
# What is refused although it is asked rightly.
EXPECTED = {
    # The option is off.
    "getCredentials": 403,
}
# What ends something that others need comes last.
LAST = ["cancelConnectSession", "deleteWebhookEndpoint", "revokeStore", "deleteCustomer"]


class Partner(BaseHTTPRequestHandler):
    """The partner's own addresses."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Samples(HTMLParser):
    """The samples of a page: by operation, those in our language."""

    def __init__(self, text):
        super().__init__()
        self.found, self.operation, self.label, self.inside = {}, None, "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "h2":
            self.operation = dict(attributes).get("id")
        elif tag in ("summary", "pre"):
            self.inside = tag
            self.label = "" if tag == "summary" else self.label
            if tag == "pre" and self.label == LABEL:
                self.found[self.operation] = ""

    def handle_endtag(self, tag):
        if tag == self.inside:
            self.inside = None

    def handle_data(self, data):
        if self.inside == "summary":
            self.label += data
        elif self.inside == "pre" and self.label == LABEL:
            self.found[self.operation] += data


def page(path):
    with urllib.request.urlopen(URL + path) as answer:
        return answer.read().decode()


def described():
    document = json.loads(page("/v1/openapi.json"))
    calls = [operation for item in document["paths"].values() for operation in item.values()]
    return {operation["operationId"] for operation in calls if "operationId" in operation}


def shown():
    pages = set(re.findall(r'href="(/docs/api/[a-z-]+)"', page("/docs/api"))) - {"/docs/api/schemas", "/docs/api/webhooks"}
    found = {}
    for path in pages:
        found |= Samples(page(path)).found
    return found


def run(code, folder, environment):
    """The status that a sample told."""
    script = Path(folder) / f"sample{ENDINGS[LABEL]}"
    script.write_text(code)
    done = subprocess.run([*PROGRAM, script], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    found = {
        # Written after everything else, as the folder's .curlrc says.
        "curl": re.search(r"(\d{3})\s*$", done.stdout),
        "JavaScript": re.match(r"(\d{3})\b", done.stdout),
        "Python": re.match(r"(\d{3})\b", done.stdout) or re.search(r"HTTP Error (\d{3})", done.stderr),
    }[LABEL]
    assert found, f"no status: {told}\n{code}"
    return int(found[1]), told


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Partner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = f"http://127.0.0.1:{server.server_port}"
    customer = f"customer-{LABEL.lower()}"
    llavero = Llavero(URL, os.environ["LLAVERO_API_KEY"], os.environ["LLAVERO_SIGNING_SECRET"])
    samples = shown()
    assert samples.keys() == described(), samples.keys() ^ described()

    ask = {"customer_id": customer, "platform": PLATFORMS[LABEL], "return_url": f"{own}/connected"}
    link = llavero.api("POST", "/v1/connect-sessions", ask)["url"]
    [code] = parse_qs(urlsplit(merchant.follow(link, own)).query)["code"]
    session = llavero.api("POST", "/v1/connect-sessions", ask)
    endpoint = llavero.api("POST", "/v1/webhook-endpoints", {"url": f"{own}/hooks"})
    delivery = llavero.api("POST", f"/v1/webhook-endpoints/{endpoint['id']}/test")
    values = {
        "llv_cd_EXAMPLE": code,
        "customer-7": customer,
        "https://lamps.example": f"https://{LABEL.lower()}.example",
        "https://partner.example/connected": f"{own}/connected",
        "https://partner.example/hooks": f"{own}/hooks",
        "cs_0198c0a1b2c37d4e8f90a1b2c3d4e5f6": session["id"],
        "whe_0198c0a1b2c37d4e8f90a1b2c3d4e5f6": endpoint["id"],
        "whd_0198c0a1b2c37d4e8f90a1b2c3d4e5f6": delivery["id"],
    }
    wrong = []

    def try_out(operation):
        code = samples[operation]
        for example, value in values.items():
            code = code.replace(example, value)
        status, told = run(code, folder, environment)
        if status != EXPECTED.get(operation) and not 200 <= status < 300:
            wrong.append(f"{operation}: {status}\n{code}\n{told}")

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
        environment = {"CURL_HOME": folder, "LLAVERO_STORE_TOKEN": "-"}
        try_out("exchangeCode")
        # The same code again: a token for the others, since the sample's is gone with its process.
        exchanged = llavero.api("POST", "/v1/access-tokens/exchange", {"code": code})
        environment["LLAVERO_STORE_TOKEN"] = exchanged["access_token"]
        values["llv_st_EXAMPLE"] = exchanged["access_token"]
        values["store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6"] = exchanged["store"]["id"]
        for operation in sorted(samples.keys() - {"exchangeCode", *LAST}) + LAST:
            try_out(operation)
    server.shutdown()
    assert not wrong, "\n\n".join(wrong)


main()
