"""pymagento: an integration's token as Bearer, and at Llavero the store's token at a base URL of its own."""

from magento import Magento
from meeting import LLAVERO, connect, refused
from requests import HTTPError

SHOP = "https://sdk-pymagento.example"
TOKEN = "sandboxtok" + "b" * 22

shop = Magento(token=TOKEN, base_url=SHOP)
assert shop.get_json_api("/V1/store/storeConfigs")[0]["code"] == "default"
with refused(HTTPError, "isn't authorized"):
    Magento(token="wrong", base_url=SHOP).get_json_api("/V1/store/storeConfigs")

token = connect("magento-2", {"base_url": SHOP, "access_token": TOKEN}, method="token")
through = Magento(token=token, base_url=f"{LLAVERO}/v1/proxy")
assert through.get_json_api("/V1/store/storeConfigs")[0]["code"] == "default"
