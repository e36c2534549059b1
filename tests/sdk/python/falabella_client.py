"""FalabellaAPIClient: the Seller Center's signed query; what is wrong stands in a good answer."""

from FalabellaAPIClient import FalabellaClient
from meeting import connect, forward

USER = "sandbox-sdk@example.com"
KEY = "5a" * 20

client = FalabellaClient(USER, KEY, country="cl")
assert "SuccessResponse" in client.seller.get()
assert "SuccessResponse" in client.products.get(limit=10)
wrong = FalabellaClient(USER, "6b" * 20, country="cl")
assert wrong.seller.get()["ErrorResponse"]["Head"]["ErrorCode"] == "7"

token = connect("falabella", {"user_id": USER, "api_key": KEY, "seller_id": "SC12345", "country": "CL"})
forward(token, "sellercenter-api.falabella.com")
assert "SuccessResponse" in wrong.seller.get()
