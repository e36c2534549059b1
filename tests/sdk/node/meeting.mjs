// What an SDK is given so that it meets the simulated platform: its requests to https://HOST/PATH are led to
// {sandbox}/HOST/PATH or, with a store's token, to Llavero's proxy. Only the transport is led elsewhere; addresses,
// signatures and the handling of tokens stay the SDK's. Import this before the SDK: some keep `fetch` at their import.
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import { urlToHttpOptions } from "node:url";

export { assert };

const sandbox = new URL(process.env.LLAVERO_SANDBOX_URL);
export const llavero = process.env.LLAVERO_URL;

/** The client that the development installation has at every simulated platform. */
export const client = { id: "sandbox-client", secret: "sandbox-secret" };

/** Hosts whose calls go through Llavero, with the store's token. */
const forwarded = new Map();
const plainFetch = globalThis.fetch;
const plainRequest = http.request;

/** Where a request to `address` really goes, and the headers that it needs there. */
function route(address) {
  if (address.hostname === sandbox.hostname) return { url: address, headers: {} };
  const token = forwarded.get(address.hostname);
  const below = address.pathname + address.search;
  if (token) return { url: new URL(`${llavero}/v1/proxy${below}`), headers: { authorization: `Bearer ${token}` } };
  const headers = address.protocol === "http:" ? { "x-sandbox-scheme": "http" } : {};
  return { url: new URL(`${sandbox.origin}/${address.host}${below}`), headers };
}

globalThis.fetch = (input, init = {}) => {
  const request = input instanceof Request;
  const to = route(new URL(request ? input.url : input));
  const headers = new Headers(init.headers ?? (request ? input.headers : undefined));
  for (const [name, value] of Object.entries(to.headers)) headers.set(name, value);
  return plainFetch(request ? new Request(to.url, input) : to.url, { ...init, headers });
};

function lead(scheme) {
  return (...given) => {
    const callback = given.find((argument) => typeof argument === "function");
    const [first, second] = given.filter((argument) => typeof argument !== "function");
    const parsed = typeof first === "string" || first instanceof URL;
    const options = parsed ? { ...urlToHttpOptions(new URL(first)), ...second } : { ...first };
    const host = options.hostname ?? options.host;
    const port = options.port && Number(options.port) !== 443 ? `:${options.port}` : "";
    const to = route(new URL(`${scheme}//${host}${port}${options.path ?? "/"}`));
    const headers = Object.entries(options.headers ?? {}).filter(
      ([name]) => name.toLowerCase() !== "host" && !(name.toLowerCase() in to.headers),
    );
    const { hostname, port: own, path } = urlToHttpOptions(to.url);
    const led = { ...options, protocol: "http:", host: undefined, hostname, port: own, path, agent: undefined };
    return plainRequest({ ...led, headers: { ...Object.fromEntries(headers), ...to.headers } }, callback);
  };
}

function leadAndEnd(scheme) {
  const request = lead(scheme);
  return (...given) => request(...given).end();
}

http.request = lead("http:");
http.get = leadAndEnd("http:");
https.request = lead("https:");
https.get = leadAndEnd("https:");
syncBuiltinESMExports();

/** From now on calls to these hosts go through Llavero. */
export function forward(token, ...hosts) {
  for (const host of hosts) forwarded.set(host, token);
}

async function json(answer) {
  const body = await answer.text();
  assert.ok(answer.ok, `${answer.status}: ${body}`);
  return body ? JSON.parse(body) : null;
}

/** The control API of the simulated platforms. */
export async function control(path, body) {
  const headers = { "content-type": "application/json" };
  const sent = { method: "POST", headers, body: JSON.stringify(body) };
  return json(await plainFetch(`${sandbox.origin}/_control${path}`, sent));
}

/** A client of a name of its own, where the platform knows the address to come back to and requests do not name it. */
export async function register(platform, id, secrets = [client.secret]) {
  await control("/clients", { platform, id, secrets, redirect_uris: ["https://app.example/callback"] });
}

/** What the control API tells. */
export async function look(path) {
  return json(await plainFetch(`${sandbox.origin}/_control${path}`));
}

/** The merchant at the platform's own page: the address that the browser is sent back to. */
export async function consent(address, outcome = "approve") {
  const answer = await fetch(address, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ outcome }),
  });
  const back = answer.headers.get("location");
  assert.ok(back, `${answer.status}: ${await answer.text()}`);
  return new URL(back);
}

function partner(path, body, method = "POST") {
  const headers = { "content-type": "application/json", authorization: `Bearer ${process.env.LLAVERO_API_KEY}` };
  return plainFetch(llavero + path, { method, headers, body: JSON.stringify(body) });
}

/** Tells Llavero the app's own client at a platform, for those that want more than an id and a secret. */
export async function useClient(platform, fields) {
  return json(await partner(`/v1/platforms/${platform}/app`, { fields }, "PUT"));
}

/** Connects a store at Llavero with what the SDK got or was given. Answers the store's token. */
export async function connect(platform, fields, tokens) {
  return tokenOf(await json(await partner("/v1/stores", { platform, customer_id: "sdk", fields, tokens })));
}

/** The store's token; of a store that was connected before, another one beside the first. */
async function tokenOf({ access_token, store }) {
  if (access_token) return access_token;
  const another = await partner(`/v1/stores/${store.id}/access-tokens`, { overlap_seconds: 3600 });
  return (await json(another)).access_token;
}

/** As a merchant with a browser: connects a store through Llavero's pages and the platform's. Answers its token. */
export async function signUp(platform, fields, outcome) {
  const back = process.env.LLAVERO_RETURN_URL;
  const asked = { platform, customer_id: "sdk", return_url: back };
  // Where platforms send the browser that know the registered address alone.
  await control("/partner", { callback: `${llavero}/connect/callback/{platform}` });
  const session = await json(await partner("/v1/connect-sessions", asked));
  const cookies = new Map();
  let address = new URL(session.url);
  let form;
  for (let step = 0; step < 12; step += 1) {
    if (address.href.startsWith(back)) {
      const code = address.searchParams.get("code");
      assert.ok(code, address.href);
      return tokenOf(await json(await partner("/v1/access-tokens/exchange", { code })));
    }
    if (address.origin === sandbox.origin) {
      address = await consent(address, outcome);
      continue;
    }
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
    const answer = await plainFetch(address, { ...sent, redirect: "manual", headers: { cookie } });
    for (const set of answer.headers.getSetCookie()) {
      const [name, value] = set.split(";")[0].split(/=(.*)/s);
      cookies.set(name, value);
    }
    const page = await answer.text();
    form = undefined;
    if (answer.headers.has("location")) {
      address = new URL(answer.headers.get("location"), address);
    } else {
      const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)];
      const link = page.match(/<a [^>]*href="([^"]+)"[^>]*>[^<]*Back to/);
      assert.ok(hidden.length || link, `${answer.status}: ${page}`);
      if (link) address = new URL(link[1].replaceAll(/&(amp|#38);/g, "&"));
      else form = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields };
    }
  }
  return assert.fail(`it does not end: ${address}`);
}
