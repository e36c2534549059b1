// etsy-ts: calls with keystring and shared secret, and its own renewal (as JSON) when a token expired.
import { assert, client, consent, control, forward, signUp, useClient } from "./meeting.mjs";
import { Etsy } from "etsy-ts";
import { createHash, randomBytes } from "node:crypto";

const redirect = "https://app.example/callback";
const verifier = randomBytes(32).toString("base64url");
const page = new URLSearchParams({
  response_type: "code",
  client_id: client.id,
  redirect_uri: redirect,
  scope: "shops_r",
  state: "s",
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
});
const back = await consent(`https://www.etsy.com/oauth/connect?${page}`);
const answer = await fetch("https://api.etsy.com/v3/public/oauth/token", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    grant_type: "authorization_code",
    client_id: client.id,
    redirect_uri: redirect,
    code: back.searchParams.get("code"),
    code_verifier: verifier,
  }),
});
const got = await answer.json();
const kept = new Map();
const securityDataStorage = {
  storeAccessToken: async ({ etsyUserId }, token) => void kept.set(etsyUserId, token),
  findAccessToken: async ({ etsyUserId }) => kept.get(etsyUserId),
};
const etsyUserId = Number(got.access_token?.split(".")[0]);
assert.ok(etsyUserId, JSON.stringify(got));
kept.set(etsyUserId, {
  accessToken: got.access_token,
  refreshToken: got.refresh_token,
  expiresIn: got.expires_in,
  tokenType: got.token_type,
});
const etsy = new Etsy({ apiKey: client.id, sharedSecret: client.secret, securityDataStorage });
const me = async (by) => (await by.User.getMe({ etsyUserId })).data;
assert.equal((await me(etsy)).user_id, etsyUserId);

await control("/expire-access-tokens", { platform: "etsy", store: String(etsyUserId) });
assert.equal((await me(etsy)).user_id, etsyUserId);
assert.notEqual(kept.get(etsyUserId).accessToken, got.access_token);

await useClient("etsy", { client_id: client.id, shared_secret: client.secret });
const store = await signUp("etsy", {}, "other");
forward(store, "openapi.etsy.com", "api.etsy.com");
const none = { findAccessToken: async () => ({ accessToken: "none" }), storeAccessToken: async () => undefined };
const through = new Etsy({ apiKey: "none", sharedSecret: "none", securityDataStorage: none });
assert.equal((await me(through)).user_id, 22345678);
