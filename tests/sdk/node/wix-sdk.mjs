// @wix/sdk: Wix' own: a token for an app's instance, calls with it, and a message of Wix proved with its public key.
import { assert, client, control, forward, look, signUp, useClient } from "./meeting.mjs";
import http from "node:http";
import { AppStrategy, createClient } from "@wix/sdk";

const instanceId = "0f5e1a2b-0000-4000-8000-000000000001";
const publicKey = (await look("/accounts")).platform_public_key;
const app = { appId: client.id, appSecret: client.secret, publicKey, instanceId };
const wix = createClient({ auth: AppStrategy(app) });
const instance = async (by) => (await by.fetchWithAuth("https://www.wixapis.com/apps/v1/instance")).json();
assert.equal((await instance(wix)).instance.instanceId, instanceId);
await assert.rejects(instance(createClient({ auth: AppStrategy({ ...app, appSecret: "wrong" }) })), /401/);

let message = "";
const receiver = http.createServer((asked, answer) => {
  asked.on("data", (part) => (message += part));
  asked.on("end", () => answer.end());
});
await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${receiver.address().port}/`;
await control("/hooks", { platform: "wix", client_id: client.id, url, store: instanceId, revoke: false });
receiver.close();
const { decoded, valid } = await wix.auth.decodeJWT(message);
assert.ok(valid);
assert.equal(JSON.parse(decoded.data).eventType, "AppRemoved");
await assert.rejects(wix.auth.decodeJWT(`${message.slice(0, -8)}AAAAAAAA`));

const oneLine = publicKey.split("\n").join(" ");
await useClient("wix", { client_id: client.id, client_secret: client.secret, public_key: oneLine });
forward(await signUp("wix", {}, "other"), "www.wixapis.com");
const through = createClient({ auth: { getAuthHeaders: async () => ({ headers: {} }) } });
assert.equal((await instance(through)).site.siteDisplayName, "Simulated site two");
