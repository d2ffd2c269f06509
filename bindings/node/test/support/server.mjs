// A small server on loopback that speaks just enough of the contract, and notes what it was asked.
import { once } from 'node:events';
import { createServer } from 'node:http';

export const AGENT = Object.freeze({
  agentId: '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11',
  organizationId: '0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00',
  role: 'member',
  email: 'screener-001@sentryagent.ai',
  agentType: 'screener',
  version: '1.4.0',
  capabilities: ['resume:read', 'email:send'],
  owner: 'talent-acquisition',
  deploymentEnv: 'production',
  status: 'active',
  isPublic: false,
  did: null,
  didCreatedAt: null,
  createdAt: '2026-03-28T09:00:00.000Z',
  updatedAt: '2026-03-28T09:00:00.123Z',
});

export const TOKEN = Object.freeze({
  access_token: 'header.payload.signature-that-nobody-may-see',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'agents:read',
});

export const SECRET = `sk_live_${'ab'.repeat(32)}`;

/** What a client of this server is configured with. */
export const configOf = (server) => ({ baseUrl: server.url, clientId: AGENT.agentId, clientSecret: SECRET });

/**
 * Starts it. `handle(request, response, count)` answers what is not the token endpoint; without it
 * every agent is AGENT. `token(request, response, count)` replaces the token endpoint.
 */
export async function serve({ handle, token } = {}) {
  const calls = [];
  const tokens = [];
  const hangUps = [];
  const sockets = new Set();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const isToken = request.url.endsWith('/token') && request.method === 'POST';
      const list = isToken ? tokens : calls;
      list.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.on('close', () => {
        if (!response.writableEnded) hangUps.push(request.url);
        server.emit('hang-up');
      });
      const answer = isToken ? (token ?? ((_, r) => json(r, 200, TOKEN))) : (handle ?? ((_, r) => json(r, 200, AGENT)));
      answer(request, response, list.length);
      server.emit('asked');
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    tokens,
    hangUps,
    /** Connections that are open. */
    sockets,
    /** Resolves once `met()` holds; looks again at each request and each hang-up. */
    async until(met) {
      while (!met()) await Promise.race([once(server, 'asked'), once(server, 'hang-up')]);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-1', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A handler that never answers. */
export const never = () => undefined;
