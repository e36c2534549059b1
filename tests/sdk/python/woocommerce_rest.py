"""WooCommerce: Basic over https, OAuth 1.0a over http."""

from meeting import connect, forward
from woocommerce import API

HOST = "sdk-python.example"
KEY = "ck_5a" + "1" * 38
SECRET = "cs_5a" + "1" * 38

for url in (f"https://{HOST}", f"http://{HOST}"):
    shop = API(url=url, consumer_key=KEY, consumer_secret=SECRET, version="wc/v3")
    found = shop.get("products", params={"per_page": 20, "search": "blue cup", "status": "any"})
    assert found.status_code == 200, (url, found.text)
    assert found.json()[0]["name"] == "Simulated product"
    assert shop.post("orders", {"status": "processing"}).status_code == 200, url
    wrong = API(url=url, consumer_key=KEY, consumer_secret="cs_wrong", version="wc/v3")
    assert wrong.get("products").status_code == 401, url

token = connect(
    "woocommerce",
    {"store_url": f"https://{HOST}", "consumer_key": KEY, "consumer_secret": SECRET},
    method="keys",
)
forward(token, HOST)
through = API(url=f"https://{HOST}", consumer_key="none", consumer_secret="none", version="wc/v3")
found = through.get("products", params={"per_page": 20})
assert found.headers["Llavero-Source"] == "platform", found.text
assert found.json()[0]["name"] == "Simulated product"
