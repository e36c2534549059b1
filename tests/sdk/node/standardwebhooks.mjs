// standardwebhooks: takes our deliveries as they come, under either secret of a roll-over, and refuses what was altered,
// is old, or was signed for somebody else.
import { assert, llavero } from "./meeting.mjs";
import { createServer } from "node:http";
import { once } from "node:events";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const received = [];
const server = createServer(async (request, answer) => {
  let body = "";
  for await (const piece of request) body += piece;
  received.push({ body, headers: request.headers });
  answer.writeHead(204).end();
  server.emit("received");
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

async function call(method, path, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${process.env.LLAVERO_API_KEY}` };
  const answer = await fetch(llavero + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${answer.status}: ${text}`);
  return text ? JSON.parse(text) : null;
}

/** The next delivery after `asking`. */
async function next(asking) {
  const arrival = once(server, "received");
  const asked = await asking();
  await arrival;
  return [received.at(-1), asked];
}

const url = `http://127.0.0.1:${server.address().port}/hooks`;
const endpoint = await call("POST", "/v1/webhook-endpoints", { url, event_types: ["store.expiring"] });
const path = `/v1/webhook-endpoints/${endpoint.id}`;
const webhook = new Webhook(endpoint.secret);

const [first, delivery] = await next(() => call("POST", `${path}/test`));
const told = webhook.verify(first.body, first.headers);
assert.equal(told.type, "webhook.test");
assert.equal(told.data.webhook_endpoint_id, endpoint.id);
assert.equal(first.headers["webhook-id"], delivery.event_id);

const refuses = (body, headers, key = webhook) =>
  assert.throws(() => key.verify(body, headers), WebhookVerificationError);
refuses(first.body.replace("webhook.test", "store.revoked"), first.headers);
refuses(first.body, { ...first.headers, "webhook-id": `${first.headers["webhook-id"]}0` });
refuses(first.body, { ...first.headers, "webhook-timestamp": `${Number(first.headers["webhook-timestamp"]) + 1}` });
refuses(first.body, { ...first.headers, "webhook-signature": undefined });
refuses(first.body, first.headers, new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));

// Kept and sent again six minutes later: the same bytes are refused by their age.
const now = Date.now;
Date.now = () => now() + 6 * 60 * 1000;
const RealDate = globalThis.Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [RealDate.now()]));
  }
};
refuses(first.body, first.headers);
globalThis.Date = RealDate;
Date.now = now;
webhook.verify(first.body, first.headers);

// Sent again on request: a signature of its own, and the id by which a receiver tells that it has it already.
const [again] = await next(() => call("POST", `/v1/webhook-deliveries/${delivery.id}/retry`));
webhook.verify(again.body, again.headers);
assert.equal(again.headers["webhook-id"], first.headers["webhook-id"]);

// Rolled over: both secrets for a while.
const rolled = await call("POST", `${path}/secret`, { overlap_seconds: 3600 });
const [third] = await next(() => call("POST", `${path}/test`));
webhook.verify(third.body, third.headers);
new Webhook(rolled.secret).verify(third.body, third.headers);
refuses(first.body, first.headers, new Webhook(rolled.secret));

await call("DELETE", path);
server.closeAllConnections();
server.close();
