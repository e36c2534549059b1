"""The back end of a company that integrates: it keeps one token for each of its customers' stores, takes the browser back
at `/connected` and webhooks at `/hooks`. What a database would hold is held in memory here."""

import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from llavero import Forged, Problem, event_of

EVENTS = ["store.connected", "store.needs_reauthorization", "store.reauthorized", "store.revoked"]


@dataclass
class Store:
    """A connected store. The token never changes while the store lives."""

    id: str
    name: str
    customer: str
    token: str
    works: bool = True


class Backend:
    def __init__(self, llavero):
        self.llavero = llavero
        self.stores = {}
        # `state` of links that are out, and whom each was made for.
        self.waiting = {}
        # Links for merchants, in the place of a mail.
        self.mails = []
        self.events = []
        self.told = threading.Condition()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (Pages,), {"backend": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        asked = {"url": f"{self.url}/hooks", "event_types": EVENTS}
        endpoint = llavero.api("POST", "/v1/webhook-endpoints", asked)
        self.endpoint, self.webhook_secret = endpoint["id"], endpoint["secret"]

    def close(self):
        self.llavero.api("DELETE", f"/v1/webhook-endpoints/{self.endpoint}")
        self.server.shutdown()

    def link(self, customer, platform):
        """A link for this customer's merchant. Its `state` is what only this customer's browser may come back with."""
        state = secrets.token_urlsafe()
        self.waiting[state] = customer
        asked = {"customer_id": customer, "platform": platform, "return_url": f"{self.url}/connected", "state": state}
        return self.llavero.api("POST", "/v1/connect-sessions", asked)["url"]

    def connected(self, query):
        """The browser is back."""
        told = self.llavero.returned(query)
        customer = self.waiting.pop(told.get("state"), None)
        if customer is None:
            raise Forged("nobody here asked for this store")
        if "code" not in told:
            return None
        given = self.llavero.api("POST", "/v1/access-tokens/exchange", {"code": told["code"], "customer_id": customer})
        known = self.stores.get(told["store_id"])
        if given["reauthorized"] and known:
            known.works = True
        else:
            shop = given["store"]
            self.stores[shop["id"]] = Store(shop["id"], shop["name"], customer, given["access_token"])
        return given

    def ask_platform(self, store, path):
        """A call of the platform's API. A store that needs its merchant is noted and its merchant asked, once."""
        try:
            return self.llavero.call(store.token, "GET", path)
        except Problem as problem:
            if problem.code == "store_needs_reauthorization":
                self.needs_merchant(store)
            raise

    def needs_merchant(self, store):
        # Calls and the webhook tell of it, in any order; one mail is enough.
        with self.told:
            if not store.works:
                return
            store.works = False
        state = secrets.token_urlsafe()
        asked = {"return_url": f"{self.url}/connected", "state": state}
        try:
            session = self.llavero.api("POST", f"/v1/stores/{store.id}/reauthorize", asked)
        except Problem:
            # No mail went out: whoever tells of it next tries again.
            store.works = True
            raise
        self.waiting[state] = store.customer
        self.mails.append(session["url"])

    def hook(self, headers, body):
        """A webhook. It may come twice, so its id is kept once all is done; and late, so the store itself is asked."""
        event = event_of(headers, body, self.webhook_secret)
        with self.told:
            if any(event["id"] == known["id"] for known in self.events):
                return
        store = self.stores.get(event["data"].get("store_id"))
        if store and event["type"] == "store.needs_reauthorization":
            if self.llavero.api("GET", f"/v1/stores/{store.id}")["status"] == "needs_reauthorization":
                self.needs_merchant(store)
        with self.told:
            self.events.append(event)
            self.told.notify_all()

    def wait_for(self, kind, store, seconds=90):
        """The event of this type about a store, when it is there."""

        def found():
            of_store = (event for event in self.events if event["data"].get("store_id") == store)
            return next((event for event in of_store if event["type"] == kind), None)

        with self.told:
            event = self.told.wait_for(found, seconds)
        if not event:
            raise TimeoutError(f"no {kind} within {seconds} s")
        return event


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(self.backend.connected, urlsplit(self.path).query)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(self.backend.hook, self.headers, body)

    def answer(self, work, *given):
        try:
            work(*given)
            status, text = 200, b"Thank you."
        except (Forged, Problem) as refused:
            status, text = 400, str(refused).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass
