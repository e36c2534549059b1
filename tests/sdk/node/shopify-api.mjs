// @shopify/shopify-api: Shopify's own: sign-in with a cookie and signed callback, expiring tokens, renewal, GraphQL.
import { assert, client, connect, consent, forward } from "./meeting.mjs";
import http from "node:http";
import { nodeAdapterInitialized } from "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, Session, shopifyApi } from "@shopify/shopify-api";

assert.ok(nodeAdapterInitialized);
const shop = "sdk-node.myshopify.com";
const shopify = shopifyApi({
  apiKey: client.id,
  apiSecretKey: client.secret,
  apiVersion: ApiVersion.July26,
  scopes: ["read_products"],
  hostName: "app.example",
  hostScheme: "https",
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error },
});

/** One request to the app, which `answer` serves with the SDK. */
async function visit(path, headers, answer) {
  let result;
  const server = http.createServer(async (rawRequest, rawResponse) => {
    result = await answer({ rawRequest, rawResponse }).catch((error) => error);
    rawResponse.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { redirect: "manual", headers });
  server.close();
  if (result instanceof Error) throw result;
  return { page, result };
}

const agent = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };
const left = await visit("/auth", agent, (raw) =>
  shopify.auth.begin({ shop, callbackPath: "/auth/callback", isOnline: false, ...raw }),
);
const cookie = left.page.headers.getSetCookie().map((set) => set.split(";")[0]).join("; ");
const back = await consent(left.page.headers.get("location"));
const arrived = await visit(back.pathname + back.search, { ...agent, cookie }, (raw) =>
  shopify.auth.callback({ expiring: true, ...raw }),
);
const session = arrived.result.session;
assert.equal(session.shop, shop);
assert.ok(session.expires > new Date() && session.refreshToken, "an expiring token");

const query = "{ shop { name myshopifyDomain } }";
const ask = async (by) => (await new shopify.clients.Graphql({ session: by }).request(query)).data.shop.myshopifyDomain;
assert.equal(await ask(session), shop);

const { session: renewed } = await shopify.auth.refreshToken({ shop, refreshToken: session.refreshToken });
assert.notEqual(renewed.accessToken, session.accessToken);
assert.equal(await ask(renewed), shop);
await assert.rejects(ask(new Session({ ...renewed, accessToken: "shpat_wrong" })), /401|Unauthorized/);

const store = await connect("shopify", { shop }, {
  access_token: renewed.accessToken,
  refresh_token: renewed.refreshToken,
  expires_in: 3600,
});
forward(store, shop);
assert.equal(await ask(new Session({ ...renewed, accessToken: "none" })), shop);
