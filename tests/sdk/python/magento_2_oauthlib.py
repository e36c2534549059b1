"""requests-oauthlib at Magento 2: each call signed with the four values of an integration, by HMAC-SHA256."""

from meeting import connect, forward
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256
from requests_oauthlib import OAuth1Session

HOST = "sdk-oauthlib.example"
CONFIGS = f"https://{HOST}/rest/all/V1/store/storeConfigs"
SECRETS = {"client_secret": "5a" * 16, "resource_owner_secret": "6b" * 16}
KEYS = {"client_key": "sandboxkey" + "a" * 22, "resource_owner_key": "sandboxtok" + "a" * 22}

shop = OAuth1Session(**KEYS, **SECRETS, signature_method=SIGNATURE_HMAC_SHA256)
assert shop.get(CONFIGS).json()[0]["code"] == "default"
filters = {
    "searchCriteria[filter_groups][2][filters][0][field]": "sku",
    "searchCriteria[filter_groups][0][filters][0][value]": "a b+c~é*",
}
assert shop.get(f"https://{HOST}/rest/V1/products", params=filters).ok
assert shop.put(f"https://{HOST}/rest/V1/products/a%20b", json={"product": {"sku": "a b"}}).ok
assert not OAuth1Session(**KEYS, **SECRETS, signature_method=SIGNATURE_HMAC_SHA1).get(CONFIGS).ok
shop.auth.client.client_secret = "wrong"
assert not shop.get(CONFIGS).ok

fields = {
    "base_url": f"https://{HOST}",
    "consumer_key": KEYS["client_key"],
    "consumer_secret": SECRETS["client_secret"],
    "access_token": KEYS["resource_owner_key"],
    "access_token_secret": SECRETS["resource_owner_secret"],
}
forward(connect("magento-2", fields, method="keys"), HOST)
through = OAuth1Session("none", "none", "none", "none", signature_method=SIGNATURE_HMAC_SHA256)
found = through.get(f"https://{HOST}/rest/V1/products", params=filters)
assert found.headers["Llavero-Source"] == "platform", found.text
assert found.ok, found.text
