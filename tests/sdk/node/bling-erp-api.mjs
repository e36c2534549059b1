// bling-erp-api: calls of API v3 with a token, and through Llavero at a base URL of its own.
import { assert, client, consent, llavero, register, signUp } from "./meeting.mjs";
import Library from "bling-erp-api";

const Bling = Library.Bling ?? Library.default?.Bling ?? Library.default ?? Library;
await register("bling", "sandbox-bling");
const page = new URLSearchParams({ response_type: "code", client_id: "sandbox-bling", state: "s" });
const back = await consent(`https://www.bling.com.br/Api/v3/oauth/authorize?${page}`);
const answer = await fetch("https://api.bling.com.br/Api/v3/oauth/token", {
  method: "POST",
  headers: { authorization: `Basic ${btoa(`sandbox-bling:${client.secret}`)}` },
  body: new URLSearchParams({ grant_type: "authorization_code", code: back.searchParams.get("code") }),
});
const { access_token } = await answer.json();
const company = async (bling) => (await bling.empresas.me()).data.nome;
assert.equal(await company(new Bling(access_token)), "Loja Simulada Um");
await assert.rejects(company(new Bling("wrong")));

const store = await signUp("bling", {}, "other");
assert.equal(await company(new Bling(store, `${llavero}/v1/proxy/Api/v3`)), "Loja Simulada Dois");
