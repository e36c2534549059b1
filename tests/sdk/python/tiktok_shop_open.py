"""tiktok-shop-api: tokens of a seller with two shops, calls signed with and without a cipher, a signed message."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from meeting import CLIENT_ID, CLIENT_SECRET, consent, control, forward, refused, sign_up, use_client
from tiktok_shop_api import TikTokShop, TikTokShopAuth, TikTokShopError, Webhooks

HOST = "open-api.tiktokglobalshop.com"

own = {"id": "sandbox-service", "secrets": [], "redirect_uris": ["https://app.example/callback"]}
control("/clients", platform="tiktok-shop", **own)
auth = TikTokShopAuth(CLIENT_ID, CLIENT_SECRET, own["id"])
back = consent(auth.authorization_url(type="seller", region="row", state="a state"))
assert back["state"] == "a state"
first = auth.exchange_code(back["code"])
assert first.seller_base_region == "MX" and first.access_token_expire_in > 1_700_000_000
got = auth.refresh(first.refresh_token)
assert got.access_token != first.access_token

seller = TikTokShop(CLIENT_ID, CLIENT_SECRET, got.access_token)
shops = seller.authorization.get_authorized_shops().data.shops
assert [shop.cipher for shop in shops] == ["ROW_cipher0001", "ROW_cipher0002"]
shop = seller.with_shop(shop_cipher=shops[1].cipher)
shop.orders.get_order_list(page_size=20, page_token="a+b/c= ~")
with refused(TikTokShopError, "sign"):
    TikTokShop(CLIENT_ID, "wrong", got.access_token).authorization.get_authorized_shops()
with refused(TikTokShopError, "not authorized"):
    seller.with_shop(shop_cipher="ROW_cipher0003").orders.get_order_list(page_size=20)

messages = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        messages.append({"raw_body": body, "signature": self.headers["Authorization"]})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.handle_request, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
control("/hooks", platform="tiktok-shop", client_id=CLIENT_ID, url=url, revoke=False)
event = Webhooks.verify_and_parse(app_key=CLIENT_ID, app_secret=CLIENT_SECRET, **messages[0])
assert Webhooks.EVENT_TYPES[event.type_] == "SELLER_DEAUTHORIZATION"
assert not Webhooks.verify(app_key=CLIENT_ID, app_secret="wrong", **messages[0])

use_client("tiktok-shop", app_key=CLIENT_ID, app_secret=CLIENT_SECRET, service_id=CLIENT_ID)
forward(sign_up("tiktok-shop", {"market": "row"}, outcome="other"), HOST)
through = TikTokShop("none", "none", "none").authorization.get_authorized_shops()
assert through.data.shops[0].cipher == "ROW_cipher0003"
