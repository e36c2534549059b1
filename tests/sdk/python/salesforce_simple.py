"""simple-salesforce: calls with a session; the end of a session is its own error."""

from meeting import CLIENT_ID, CLIENT_SECRET, consent, control, forward, refused, sign_up
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession
import requests

REDIRECT = "https://app.example/callback"
ORGANIZATION = "00D000000000001EAA"
HOST = "acme.my.salesforce.com"

back = consent(
    f"https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id={CLIENT_ID}"
    f"&redirect_uri={REDIRECT}&state=s"
)
tokens = requests.post(
    "https://login.salesforce.com/services/oauth2/token",
    data={
        "grant_type": "authorization_code",
        "code": back["code"],
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": REDIRECT,
    },
).json()
org = Salesforce(instance_url=tokens["instance_url"], session_id=tokens["access_token"])
assert org.sf_instance == HOST
assert org.oauth2("userinfo")["organization_id"] == ORGANIZATION
org.query("SELECT Id FROM Account")
org.Contact.describe()

control("/expire-access-tokens", platform="salesforce", store=ORGANIZATION)
with refused(SalesforceExpiredSession):
    org.query("SELECT Id FROM Account")

token = sign_up("salesforce", {"login_host": "login.salesforce.com"})
forward(token, HOST)
through = Salesforce(instance_url=f"https://{HOST}", session_id="none")
assert through.oauth2("userinfo")["organization_id"] == ORGANIZATION
through.query("SELECT Id FROM Account")
