// jsforce: the web server flow, the identity, calls, renewal of an ended session, revocation.
import { assert, client, consent, control, llavero, signUp } from "./meeting.mjs";
import jsforce from "jsforce";

const redirectUri = "https://app.example/callback";
const oauth2 = new jsforce.OAuth2({
  loginUrl: "https://login.salesforce.com",
  clientId: client.id,
  clientSecret: client.secret,
  redirectUri,
});
const back = await consent(oauth2.getAuthorizationUrl({ scope: "api refresh_token", state: "a-state" }), "other");
const org = new jsforce.Connection({ oauth2 });
const user = await org.authorize(back.searchParams.get("code"));
assert.equal(user.organizationId, "00D000000000002EAA");
assert.equal(org.instanceUrl, "https://other.my.salesforce.com");
const first = org.accessToken;
const who = async () => (await org.request("/services/oauth2/userinfo")).organization_id;
assert.equal(await who(), user.organizationId);

await control("/expire-access-tokens", { platform: "salesforce", store: user.organizationId });
assert.equal(await who(), user.organizationId);
assert.notEqual(org.accessToken, first);

const store = await signUp("salesforce", { login_host: "login.salesforce.com" }, "other");
const through = new jsforce.Connection({ instanceUrl: `${llavero}/v1/proxy`, accessToken: store });
assert.equal((await through.request("/services/oauth2/userinfo")).organization_id, user.organizationId);

await org.oauth2.revokeToken(org.accessToken);
org.refreshToken = undefined;
await assert.rejects(who());
