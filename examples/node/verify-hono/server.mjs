// A Hono service that takes AgentIdP's tokens: ISSUER, AUDIENCE and PORT say whose and where.
import { serve } from '@hono/node-server';
import { TokenVerifier } from '@sentryagent/idp-sdk';
import { requireToken, tokenOf } from '@sentryagent/idp-sdk/hono';
import { Hono } from 'hono';

const { ISSUER: issuer, AUDIENCE: audience, PORT: port = 0 } = process.env;
const verifier = new TokenVerifier({ issuer, audience });

const app = new Hono();
app.get('/open', (context) => context.json({ open: true }));
app.get('/reports', requireToken(verifier, { scopes: ['agents:read'] }), (context) =>
  context.json({ subject: tokenOf(context).subject }),
);

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, (address) => {
  console.log(`listening on http://127.0.0.1:${address.port}`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
