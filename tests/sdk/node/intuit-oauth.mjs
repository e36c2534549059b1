// intuit-oauth: Intuit's own OAuth client: sign-in, renewal, a call, and the end of the access.
import { assert, client, consent, forward, signUp } from "./meeting.mjs";
import OAuthClient from "intuit-oauth";

const redirectUri = "https://app.example/callback";
const company = "9130347598765432";
const oauth = new OAuthClient({
  clientId: client.id,
  clientSecret: client.secret,
  environment: "production",
  redirectUri,
  logging: false,
});
const address = oauth.authorizeUri({ scope: [OAuthClient.scopes.Accounting], state: "a-state" });
const back = await consent(address);
const first = (await oauth.createToken(back.href)).getToken();
assert.equal(first.realmId, company);
assert.ok(oauth.isAccessTokenValid());

const url = `${OAuthClient.environment.production}v3/company/${company}/companyinfo/${company}`;
const ask = async () => (await oauth.makeApiCall({ url })).json.CompanyInfo.CompanyName;
assert.equal(await ask(), "Simulated Company One");

const renewed = (await oauth.refresh()).getToken();
assert.notEqual(renewed.access_token, first.access_token);
assert.notEqual(renewed.refresh_token, first.refresh_token);
assert.equal(await ask(), "Simulated Company One");

const store = await signUp("quickbooks", {}, "other");
const other = "9130347511111111";
forward(store, "quickbooks.api.intuit.com");
const through = new OAuthClient({ clientId: "none", clientSecret: "none", environment: "production", redirectUri });
through.setToken({ access_token: "none", expires_in: 3600, token_type: "bearer", realmId: other });
const told = await through.makeApiCall({ url: url.replaceAll(company, other) });
assert.equal(told.json.CompanyInfo.CompanyName, "Simulated Company Two");
forward(undefined, "quickbooks.api.intuit.com");

await oauth.revoke({ token: renewed.refresh_token });
await assert.rejects(ask(), /401/);
