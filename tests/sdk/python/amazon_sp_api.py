"""python-amazon-sp-api: Login with Amazon by itself, its token in x-amz-access-token."""

from meeting import CLIENT_ID, CLIENT_SECRET, consent, control, forward, refused, sign_up
from sp_api.api import Sellers
from sp_api.auth import AccessTokenClient
from sp_api.base import Marketplaces
from sp_api.auth.exceptions import AuthorizationError
from sp_api.base.credential_provider import CredentialProvider

APPLICATION = "amzn1.sp.solution.sdk-python"
keys = {"lwa_app_id": CLIENT_ID, "lwa_client_secret": CLIENT_SECRET}

control("/clients", platform="amazon", id=APPLICATION, secrets=[], redirect_uris=["https://app.example/callback"])
page = "https://sellercentral.amazon.com.mx/apps/authorize/consent"
back = consent(f"{page}?application_id={APPLICATION}&state=s", outcome="other")
lwa = CredentialProvider(credentials=keys).credentials
got = AccessTokenClient(credentials=lwa).authorize_auth_code(back["spapi_oauth_code"])
seller = Sellers(marketplace=Marketplaces.MX, refresh_token=got["refresh_token"], credentials=keys)
assert seller.get_marketplace_participation().payload[0]["storeName"] == "Simulated seller two"

with refused(AuthorizationError):
    Sellers(marketplace=Marketplaces.MX, refresh_token="Atzr|wrong", credentials=keys).get_marketplace_participation()

token = sign_up("amazon", {"marketplace": "MX"})
forward(token, "sellingpartnerapi-na.amazon.com")
assert seller.get_marketplace_participation().payload[0]["storeName"] == "Simulated seller one"
