"""prestapyt: the webservice key as the user of Basic; answers and refusals in PrestaShop's XML."""

from meeting import connect, forward, refused
from prestapyt import PrestaShopAuthenticationError, PrestaShopWebService

HOST = "sdk-python.example"
KEY = "5a5a" + "A" * 28

shop = PrestaShopWebService(f"https://{HOST}/api", KEY)
assert shop.get("").find("shopName").text == "Simulated shop sdk-python"
assert shop.get("orders", options={"display": "full", "limit": "5"}).find("path").text == "/api/orders"
with refused(PrestaShopAuthenticationError):
    PrestaShopWebService(f"https://{HOST}/api", "wrong").get("products")

token = connect("prestashop", {"store_url": f"https://{HOST}", "webservice_key": KEY})
forward(token, HOST)
through = PrestaShopWebService(f"https://{HOST}/api", "none")
assert through.get("").find("shopName").text == "Simulated shop sdk-python"
