"""The life of one store, from the link to the revocation, with the simulated platforms of `llavero dev`. What it prints
stands in README.md."""

import json
import os
import sys
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlsplit

import merchant
from backend import Backend
from llavero import Llavero, Problem

CUSTOMER = "example-partner"
PLATFORM = "jumpseller"
PATH = "/v1/store/info.json"


def say(who, what):
    print(f"{who:<11}{what}", flush=True)


def control(order, store):
    """The control API of the simulated platforms makes come true what a partner cannot order elsewhere."""
    url = f"{os.environ['LLAVERO_SANDBOX_URL']}/_control/{order}"
    body = json.dumps({"platform": PLATFORM, "store": store}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).close()


def status_of(url, body=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers or {})) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def try_call(backend, store):
    say("partner", f"GET /v1/proxy{PATH} with the store's token")
    try:
        status, shop = backend.ask_platform(store, PATH)
        say("platform", f"{status}: {shop['store']['name']} sells in {shop['store']['currency']}")
    except Problem as problem:
        say("llavero", f"{problem.status} {problem.code}")


def approve(backend, link):
    arrived = merchant.follow(link, f"{backend.url}/connected")
    names = sorted(name for name, _ in parse_qsl(urlsplit(arrived).query))
    say("merchant", "approves at the platform and comes back with")
    say("", " ".join(names))
    return arrived


def tell(event):
    data = event["data"]
    reason = f", {data['reason']}" if data.get("reason") else ""
    say("webhook", f"{event['type']}, number {data['store_sequence']} of this store{reason}")


def walk(llavero, backend):
    say("partner", "POST /v1/connect-sessions, and sends the merchant to the link")
    arrived = approve(backend, backend.link(CUSTOMER, PLATFORM))
    [store] = backend.stores.values()
    say("partner", f"verified the signature, exchanged the code, keeps one token for {store.name}")
    tell(backend.wait_for("store.connected", store.id))
    try_call(backend, store)

    shop = llavero.api("GET", f"/v1/stores/{store.id}")["platform_store_id"]
    control("expire-access-tokens", shop)
    say("sandbox", "the platform's access token expires")
    try_call(backend, store)

    control("revoke", shop)
    say("sandbox", "the merchant removes the app at the platform")
    try_call(backend, store)
    event = backend.wait_for("store.needs_reauthorization", store.id)
    tell(event)
    [link] = backend.mails
    say("partner", "POST /v1/stores/{id}/reauthorize, and mails the merchant the link")
    approve(backend, link)
    say("partner", "exchanged the code: authorized again, no new token")
    tell(backend.wait_for("store.reauthorized", store.id))
    try_call(backend, store)

    forged = json.dumps({"type": "store.revoked", "data": {"store_id": store.id}}).encode()
    signed = {"webhook-id": event["id"], "webhook-timestamp": "0", "webhook-signature": "v1,Zm9yZ2Vk"}
    say("stranger", f"sends a webhook that Llavero did not sign: {status_of(f'{backend.url}/hooks', forged, signed)}")
    say("stranger", f"opens the return URL with another store: {status_of(arrived.replace(store.id, 'store_0'))}")

    llavero.api("DELETE", f"/v1/customers/{CUSTOMER}")
    say("partner", f"DELETE /v1/customers/{CUSTOMER}")
    tell(backend.wait_for("store.revoked", store.id))
    try_call(backend, store)


def main():
    wanted = ("LLAVERO_URL", "LLAVERO_API_KEY", "LLAVERO_SIGNING_SECRET", "LLAVERO_SANDBOX_URL")
    if any(name not in os.environ for name in wanted):
        sys.exit("Start `llavero dev` and read its dev.env first: set -a; . .llavero/dev.env; set +a")
    llavero = Llavero(*(os.environ[name] for name in wanted[:3]))
    try:
        # A walk that broke off has left its store.
        llavero.api("DELETE", f"/v1/customers/{CUSTOMER}")
    except Problem as problem:
        if problem.code != "not_found":
            raise
    backend = Backend(llavero)
    try:
        walk(llavero, backend)
    finally:
        backend.close()


main()
