// ebay-oauth-nodejs-client: eBay's own client: consent, exchange, renewal, refusal.
import { assert, client, connect, consent, control } from "./meeting.mjs";
import EbayAuthToken from "ebay-oauth-nodejs-client";

await control("/clients", { platform: "ebay", id: "sandbox-ebay-oauth", secrets: [client.secret], redirect_uris: ["https://app.example/callback"] });
const redirectUri = "Llavero-Sdk-ebay-oauth";
const scopes = ["https://api.ebay.com/oauth/api_scope"];
const ebay = new EbayAuthToken({ clientId: "sandbox-ebay-oauth", clientSecret: client.secret, redirectUri, env: "PRODUCTION" });
const back = await consent(ebay.generateUserAuthorizationUrl("PRODUCTION", scopes, { state: "a-state" }));
const token = JSON.parse(await ebay.exchangeCodeForAccessToken("PRODUCTION", back.searchParams.get("code")));
assert.equal(token.token_type, "User Access Token");
const renewed = JSON.parse(await ebay.getAccessToken("PRODUCTION", token.refresh_token, scopes));
assert.notEqual(renewed.access_token, token.access_token);
