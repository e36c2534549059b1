// A shop's API server whose tokens come from a real OAuth server: npm's `oidc-provider` behind the paths of SAP Commerce.
// What it accepts, when its tokens expire and how it refuses is its own doing, and none of it was written here.
//
// Its first line of output is JSON: `url` of the shop, and `control` of the server that steers it:
//   GET /last-token           {"active": bool}: whether the provider still accepts the token that was seen last
//   GET /remove-client/{id}   as its administrator would
import { createServer } from 'node:http';
import { once } from 'node:events';
import Provider from 'oidc-provider';

const settings = {
  lifetime: Number(process.env.ACCESS_TOKEN_SECONDS ?? 20),
  clientId: process.env.CLIENT_ID ?? 'acme_partner',
  clientSecret: process.env.CLIENT_SECRET ?? 'a-secret-of-the-shop',
  baseSite: process.env.BASE_SITE ?? 'electronics',
};

/** What the provider keeps, by kind and id. Its own store in memory cannot remove a client. */
const kept = new Map();

class Keep {
  constructor(kind) {
    this.kind = kind;
  }
  key(id) {
    return `${this.kind} ${id}`;
  }
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
  }
  async find(id) {
    return kept.get(this.key(id));
  }
  async destroy(id) {
    kept.delete(this.key(id));
  }
  async consume() {}
  async revokeByGrantId() {}
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

const shop = createServer();
const url = await listen(shop);

const provider = new Provider(url, {
  adapter: Keep,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  routes: {
    token: '/authorizationserver/oauth/token',
    revocation: '/authorizationserver/oauth/revoke',
    introspection: '/authorizationserver/oauth/check_token',
  },
  ttl: { ClientCredentials: settings.lifetime },
});
provider.on('server_error', (_context, error) => console.error(error));
await new Keep('Client').upsert(settings.clientId, {
  client_id: settings.clientId,
  client_secret: settings.clientSecret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_post',
});

let lastToken;

/** Found tokens are whole and not expired; one of a client that was removed is worth nothing. */
async function accepts(token) {
  const found = token && (await provider.ClientCredentials.find(token));
  return Boolean(found?.isValid && (await provider.Client.find(found.clientId)));
}

async function occ(request, response, path) {
  if (path[0] === 'basesites') {
    return answer(response, 200, { baseSites: [{ uid: settings.baseSite }] });
  }
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  lastToken = token ?? lastToken;
  if (!(await accepts(token))) {
    const errors = [{ type: 'InvalidTokenError', message: 'Invalid access token' }];
    return answer(response, 401, { errors }, { 'www-authenticate': 'Bearer error="invalid_token"' });
  }
  if (path[0] !== settings.baseSite) {
    return answer(response, 404, { errors: [{ type: 'UnknownResourceError', message: 'No such base site' }] });
  }
  return answer(response, 200, { type: 'productSearchPageWsDTO', site: path[0], path: path.slice(1), products: [] });
}

const oauth = provider.callback();
shop.on('request', (request, response) => {
  const path = new URL(request.url, url).pathname.split('/').filter(Boolean);
  if (path[0] !== 'occ' || path[1] !== 'v2') return oauth(request, response);
  return occ(request, response, path.slice(2)).catch((error) => {
    console.error(error);
    answer(response, 500, { errors: [{ type: 'ServerError' }] });
  });
});

const steering = createServer(async (request, response) => {
  const [what, id] = request.url.split('/').filter(Boolean);
  if (what === 'last-token') {
    return answer(response, 200, { active: await accepts(lastToken) });
  }
  if (what === 'remove-client') {
    await new Keep('Client').destroy(decodeURIComponent(id));
    return answer(response, 200, {});
  }
  return answer(response, 404, {});
});
const control = await listen(steering);

console.log(JSON.stringify({ url, control }));
