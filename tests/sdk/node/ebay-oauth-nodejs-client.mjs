// ebay-oauth-nodejs-client: eBay's own client: consent, exchange, renewal, refusal.
import { assert, client, consent, register } from "./meeting.mjs";
import EbayAuthToken from "ebay-oauth-nodejs-client";

const clientId = "sandbox-ebay-oauth";
await register("ebay", clientId);
const redirectUri = "Llavero-Sdk-ebay-oauth";
const scopes = ["https://api.ebay.com/oauth/api_scope"];
const ebay = new EbayAuthToken({ clientId, clientSecret: client.secret, redirectUri, env: "PRODUCTION" });
const back = await consent(ebay.generateUserAuthorizationUrl("PRODUCTION", scopes, { state: "a-state" }));
const token = JSON.parse(await ebay.exchangeCodeForAccessToken("PRODUCTION", back.searchParams.get("code")));
assert.equal(token.token_type, "User Access Token");
const renewed = JSON.parse(await ebay.getAccessToken("PRODUCTION", token.refresh_token, scopes));
assert.notEqual(renewed.access_token, token.access_token);

const refused = JSON.parse(await ebay.getAccessToken("PRODUCTION", "v^1.1#wrong", scopes));
assert.equal(refused.error, "invalid_grant");
