"""python-walmart: client credentials for a token, which goes into a header of Walmart's own."""

from meeting import connect, forward, refused
from walmart import Walmart
from walmart.exceptions import WalmartAuthenticationError

HOST = "marketplace.walmartapis.com"

shop = Walmart("sandbox-sdk-python", "sandbox-secret")
assert shop.token and shop.token_expires_in == 900
assert shop.send_request("GET", shop.base_url + "/feeds")["account"] == "sandbox-sdk-python"
with refused(WalmartAuthenticationError):
    Walmart("sandbox-sdk-python", "wrong")

token = connect("walmart", {"client_id": "sandbox-sdk-python", "client_secret": "sandbox-secret", "market": "us"})
forward(token, HOST)
shop.session.auth = None
shop.session.headers["WM_SEC.ACCESS_TOKEN"] = "none"
assert shop.send_request("GET", shop.base_url + "/feeds")["account"] == "sandbox-sdk-python"
