"""requests-oauthlib at Magento 1: the three steps of OAuth 1.0a with a callback, then signed calls."""

from meeting import connect, consent, forward, refused
from requests_oauthlib import OAuth1Session
from requests_oauthlib.oauth1_session import TokenRequestDenied

HOST = "sdk-python.example"
SHOP = f"https://{HOST}"
CONSUMER = {"client_key": "sandbox" + "a" * 25, "client_secret": "5a" * 16}
CALLBACK = "https://app.example/callback?of=7"

asking = OAuth1Session(**CONSUMER, callback_uri=CALLBACK)
asked = asking.fetch_request_token(f"{SHOP}/oauth/initiate")
back = consent(asking.authorization_url(f"{SHOP}/admin/oauth_authorize"))
assert back["oauth_token"] == asked["oauth_token"] and back["of"] == "7", back

shop = OAuth1Session(
    **CONSUMER,
    resource_owner_key=asked["oauth_token"],
    resource_owner_secret=asked["oauth_token_secret"],
    verifier=back["oauth_verifier"],
)
got = shop.fetch_access_token(f"{SHOP}/oauth/token")
signed = OAuth1Session(
    **CONSUMER, resource_owner_key=got["oauth_token"], resource_owner_secret=got["oauth_token_secret"]
)
filters = {"limit": 1, "filter[1][attribute]": "name", "filter[1][in][]": "a b", "order": "é~*"}
assert signed.get(f"{SHOP}/api/rest/products", params=filters).json()["1"]["sku"] == "SIM-1"
assert signed.post(f"{SHOP}/api/rest/products", json={"sku": "a"}).ok

signed.auth.client.resource_owner_secret = "wrong"
assert signed.get(f"{SHOP}/api/rest/products").status_code == 401
with refused(TokenRequestDenied):
    OAuth1Session(**{**CONSUMER, "client_secret": "wrong"}, callback_uri=CALLBACK).fetch_request_token(
        f"{SHOP}/oauth/initiate"
    )

fields = {
    "base_url": SHOP,
    "consumer_key": CONSUMER["client_key"],
    "consumer_secret": CONSUMER["client_secret"],
    "access_token": got["oauth_token"],
    "access_token_secret": got["oauth_token_secret"],
}
forward(connect("magento-1", fields, method="keys"), HOST)
assert signed.get(f"{SHOP}/api/rest/products", params=filters).json()["1"]["sku"] == "SIM-1"
