// The project's client and its peers: each decodes a whole answer into a model with `Date`s.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AGENTS = '/api/v1/agents';

/** The headers of every request, with a token that outlives the run. */
async function headersOf(baseUrl) {
  const answer = await fetch(`${baseUrl}/api/v1/token`, { method: 'POST', body: '' });
  const { access_token: token } = await answer.json();
  return { authorization: `Bearer ${token}`, accept: 'application/json' };
}

const instant = (text) => (text === null ? null : new Date(text));

/** An agent as one would write it by hand. */
function agent(raw) {
  return {
    ...raw,
    didCreatedAt: instant(raw.didCreatedAt),
    createdAt: instant(raw.createdAt),
    updatedAt: instant(raw.updatedAt),
  };
}

const page = (raw) => ({ ...raw, data: raw.data.map(agent) });

async function project(baseUrl) {
  const { AgentIdPClient } = await import('@sentryagent/idp-sdk');
  const require = createRequire(import.meta.url);
  const { version } = require('@sentryagent/idp-sdk/package.json');
  const client = new AgentIdPClient({ baseUrl, clientId: 'bench', clientSecret: 'sk_live_bench' });
  return {
    name: `@sentryagent/idp-sdk ${version}`,
    get: (id) => client.agents.getAgent(id),
    list: (limit) => client.agents.listAgents({ limit }),
  };
}

async function undici(baseUrl) {
  const { Pool } = await import('undici');
  const lock = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const headers = await headersOf(baseUrl);
  const pool = new Pool(baseUrl, { connections: 64 });
  const ask = async (path) => {
    const { statusCode, body } = await pool.request({ path, method: 'GET', headers });
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return body.json();
  };
  return {
    name: `undici ${lock.dependencies.undici}`,
    get: async (id) => agent(await ask(`${AGENTS}/${id}`)),
    list: async (limit) => page(await ask(`${AGENTS}?limit=${limit}`)),
  };
}

async function builtIn(baseUrl) {
  const headers = await headersOf(baseUrl);
  const ask = async (path) => {
    const answer = await fetch(`${baseUrl}${path}`, { headers });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  };
  return {
    name: `fetch of Node.js ${process.versions.node}`,
    get: async (id) => agent(await ask(`${AGENTS}/${id}`)),
    list: async (limit) => page(await ask(`${AGENTS}?limit=${limit}`)),
  };
}

export const clients = { 'project-node': project, undici, fetch: builtIn };
