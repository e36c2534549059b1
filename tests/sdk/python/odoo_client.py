"""pyodoo-client: an API key as a token, and at Llavero the store's token at a base URL of its own."""

from meeting import LLAVERO, connect, refused
from pyodoo_client import OdooApiError, OdooClient

HOST = "sdk-python.example"
KEY = "5a5a" + "a" * 36

shop = OdooClient(f"https://{HOST}", api_key=KEY, db="acme")
assert shop.logged_in and shop.uid == 2, shop.error
wrong = OdooClient(f"https://{HOST}", api_key="6b6b" + "a" * 36)
assert not wrong.logged_in
with refused(OdooApiError, "Invalid apikey"):
    wrong.call_model("res.users", "context_get", debug=True)

token = connect("odoo", {"base_url": f"https://{HOST}", "api_key": KEY, "database": "acme"}, method="keys")
through = OdooClient(f"{LLAVERO}/v1/proxy", api_key=token)
assert through.logged_in and through.uid == 2, through.error
assert through.call_model("res.users", "context_get", debug=True)["lang"] == "en_US"
