// amazon-sp-api: Login with Amazon by itself (as JSON), its token in x-amz-access-token, renewed when it is refused.
import { assert, client, consent, control, forward, register, signUp } from "./meeting.mjs";
import { SellingPartner } from "amazon-sp-api";

const keys = { SELLING_PARTNER_APP_CLIENT_ID: client.id, SELLING_PARTNER_APP_CLIENT_SECRET: client.secret };
const region = "na";
const application = "amzn1.sp.solution.sdk-node";
await register("amazon", application, []);
const page = `https://sellercentral.amazon.com/apps/authorize/consent?application_id=${application}&state=s`;
const back = await consent(page);
const amazon = new SellingPartner({ region, credentials: keys, options: { only_grantless_operations: true } });
const got = await amazon.exchange(back.searchParams.get("spapi_oauth_code"));
const seller = new SellingPartner({ region, refresh_token: got.refresh_token, credentials: keys });
const asked = { operation: "getMarketplaceParticipations", endpoint: "sellers" };
const shop = async (by) => (await by.callAPI(asked))[0].storeName;
assert.equal(await shop(seller), "Simulated seller one");

await control("/expire-access-tokens", { platform: "amazon", store: "A3TESTSELLER01" });
assert.equal(await shop(seller), "Simulated seller one");

const store = await signUp("amazon", { marketplace: "US" });
forward(store, "sellingpartnerapi-na.amazon.com");
const through = new SellingPartner({ region, refresh_token: "none", access_token: "none", credentials: keys });
assert.equal(await shop(through), "Simulated seller one");
