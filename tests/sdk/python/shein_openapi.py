"""shein-api: the signature of every call, from the open key id, the secret key and five characters of its own."""

from meeting import connect, forward
from shein_api import SheinClient
from shein_api.base.helpers import ShopType

KEY = "SANDBOXSDKPYTHON"
SECRET = "5A" * 16


def orders(client):
    return client.order.order_list(1, "2026-01-01 00:00:00", "2026-01-02 00:00:00", 1, 30)


shop = SheinClient(KEY, SECRET, ShopType.SEMI_MANAGED, env="production")
assert orders(shop)["path"] == "/open-api/order/order-list"
wrong = SheinClient(KEY, "6B" * 16, ShopType.SEMI_MANAGED, env="production")
assert "path" not in orders(wrong), orders(wrong)

token = connect("shein", {"open_key_id": KEY, "secret_key": SECRET, "api_host": "openapi.sheincorp.com"}, method="keys")
forward(token, "openapi.sheincorp.com")
assert orders(wrong)["path"] == "/open-api/order/order-list"
