"""squarespace-commerce: an API key, and at Llavero the store's token at a base URL of its own."""

from meeting import LLAVERO, connect
from squarespace_commerce.Squarespace import Squarespace

KEY = "sandbox-key-sdk-python"

assert Squarespace(KEY).get_orders()["path"] == "/1.0/commerce/orders"
refusal = Squarespace("wrong").get_orders()
assert refusal.status_code == 401, refusal.text

token = connect("squarespace", {"access_token": KEY}, method="keys")
through = Squarespace(token, base_url=f"{LLAVERO}/v1/proxy/")
assert through.get_orders()["path"] == "/1.0/commerce/orders"
