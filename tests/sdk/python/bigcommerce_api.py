"""bigcommerce: the code of an installation, a store's calls, the signed payload of a launch."""

from bigcommerce.api import BigcommerceApi
from bigcommerce.exception import ClientRequestException
from meeting import CLIENT_ID, CLIENT_SECRET, connect, control, forward, refused
from urllib.parse import parse_qsl, urlsplit

REDIRECT = "https://app.example/callback"

address = control("/install", platform="bigcommerce", client_id=CLIENT_ID, url=REDIRECT, store="g5cd38")["url"]
back = dict(parse_qsl(urlsplit(address).query))
hash = back["context"].split("/")[1]
app = BigcommerceApi(client_id=CLIENT_ID, store_hash=hash)
got = app.oauth_fetch_token(CLIENT_SECRET, back["code"], back["context"], back["scope"], REDIRECT)
assert got["context"] == back["context"], got
assert app.Store.all()["id"] == hash
store = BigcommerceApi(client_id=CLIENT_ID, store_hash=hash, access_token=got["access_token"])
assert store.Store.all()["name"]
with refused(ClientRequestException, "401"):
    BigcommerceApi(client_id=CLIENT_ID, store_hash=hash, access_token="wrong").Store.all()

token = connect("bigcommerce", {"store_hash": hash, "access_token": got["access_token"]}, method="token")
forward(token, "api.bigcommerce.com")
assert BigcommerceApi(client_id=CLIENT_ID, store_hash=hash, access_token="none").Store.all()["id"] == hash
