// ebay-api: consent with a RuName, calls, and its own renewal when a call is refused.
import { assert, client, consent, control, forward, register, signUp } from "./meeting.mjs";
import EBayApi from "ebay-api";

const ruName = "Llavero-Sdk-ebay-api";
await register("ebay", "sandbox-ebay-api");
const ebay = new EBayApi({
  appId: "sandbox-ebay-api",
  certId: client.secret,
  sandbox: false,
  scope: ["https://api.ebay.com/oauth/api_scope", "https://api.ebay.com/oauth/api_scope/commerce.identity.readonly"],
  ruName,
});
const back = await consent(ebay.OAuth2.generateAuthUrl(ruName, undefined, "a state"));
assert.equal(back.searchParams.get("state"), "a state");
const token = await ebay.OAuth2.getToken(back.searchParams.get("code"));
ebay.OAuth2.setCredentials(token);
const user = async () => (await ebay.commerce.identity.getUser()).userId;
assert.equal(await user(), "k1mUniqueUserOne");

let renewed;
ebay.OAuth2.on("refreshAuthToken", (fresh) => (renewed = fresh));
await control("/expire-access-tokens", { platform: "ebay", store: "k1mUniqueUserOne" });
assert.equal(await user(), "k1mUniqueUserOne");
assert.notEqual(renewed.access_token, token.access_token);

const store = await signUp("ebay", {}, "other");
forward(store, "apiz.ebay.com");
const through = new EBayApi({ appId: "none", certId: "none", sandbox: false });
through.OAuth2.setCredentials({ access_token: "none" });
assert.equal((await through.commerce.identity.getUser()).userId, "k2mUniqueUserTwo");
