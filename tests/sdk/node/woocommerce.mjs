// @woocommerce/woocommerce-rest-api: Basic over https, OAuth 1.0a over http.
import { assert, connect, llavero } from "./meeting.mjs";
import Library from "@woocommerce/woocommerce-rest-api";

const WooCommerce = Library.default ?? Library;
const keys = { consumerKey: `ck_5a${"0".repeat(38)}`, consumerSecret: `cs_5a${"0".repeat(38)}` };
const version = "wc/v3";

for (const url of ["https://sdk-node.example", "http://sdk-node.example"]) {
  const shop = new WooCommerce({ url, version, ...keys });
  const { data } = await shop.get("products", { per_page: 20, search: "blue cup" });
  assert.equal(data[0].name, "Simulated product", url);
  const made = await shop.post("orders", { status: "processing" });
  assert.equal(made.status, 200, url);
  const wrong = new WooCommerce({ url, version, ...keys, consumerSecret: "cs_wrong" });
  await assert.rejects(wrong.get("products"), (error) => error.response.status === 401, url);
}

const store = await connect("woocommerce", {
  store_url: "https://sdk-node.example",
  consumer_key: keys.consumerKey,
  consumer_secret: keys.consumerSecret,
});
const through = new WooCommerce({
  url: `${llavero}/v1/proxy`,
  version,
  consumerKey: "none",
  consumerSecret: "none",
  axiosConfig: { headers: { Authorization: `Bearer ${store}` } },
});
const { data, headers } = await through.get("products", { per_page: 20 });
assert.equal(headers["llavero-source"], "platform");
assert.equal(data[0].name, "Simulated product");
