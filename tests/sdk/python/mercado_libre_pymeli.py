"""pymeli: the code of an authorization, the account's calls, renewal by refresh tokens that work once."""

import requests
from meeting import CLIENT_ID, CLIENT_SECRET, connect, consent, forward, refused
from pymeli.pymeli import Meli
from urllib.parse import urlencode

REDIRECT = "https://app.example/callback"
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

# The SDK leaves the page to its user.
asked = urlencode({"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "state": "a-state"})
back = consent(f"https://auth.mercadolibre.com.ar/authorization?{asked}", outcome="other")
assert back["state"] == "a-state"
with refused(requests.exceptions.HTTPError):
    Meli(**CLIENT).exchange_code_for_token("wrong", REDIRECT)
got = Meli(**CLIENT).exchange_code_for_token(back["code"], REDIRECT)
assert got["user_id"] == 987654321 and got["expires_in"] == 21600, got

account = Meli(**CLIENT, access_token=got["access_token"], refresh_token=got["refresh_token"])
assert account.me()["nickname"] == "TESTUSER987654321"
renewed = account.refresh_token()
assert renewed["refresh_token"] != got["refresh_token"], renewed
assert account.me()["id"] == 987654321
with refused(requests.exceptions.HTTPError, "400"):
    Meli(**CLIENT, access_token="none", refresh_token=got["refresh_token"]).refresh_token()

tokens = {"access_token": renewed["access_token"], "refresh_token": renewed["refresh_token"], "expires_in": 21600}
forward(connect("mercado-libre", {"country": "AR"}, tokens, "authorization"), "api.mercadolibre.com")
through = Meli(**CLIENT, access_token="none", refresh_token="none")
assert through.me()["nickname"] == "TESTUSER987654321"
