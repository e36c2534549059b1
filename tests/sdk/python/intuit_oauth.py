"""intuit-oauth: Intuit's own OAuth client: sign-in, the company in the callback, renewal, the end of the access."""

from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from meeting import CLIENT_ID, CLIENT_SECRET, consent, refused

client = AuthClient(CLIENT_ID, CLIENT_SECRET, "https://app.example/callback", "production")
client.auth_uri = "https://appcenter.intuit.com/connect/oauth2"
back = consent(client.get_authorization_url([Scopes.ACCOUNTING], state_token="a-state"), outcome="other")
assert back["state"] == "a-state"
client.get_bearer_token(back["code"], realm_id=back["realmId"])
assert client.realm_id == "9130347511111111"
assert client.expires_in == 3600 and client.x_refresh_token_expires_in == 8726400
first = client.access_token
client.refresh()
assert client.access_token != first
assert client.revoke(token=client.refresh_token)
with refused(AuthClientError, "invalid_grant"):
    client.refresh()
