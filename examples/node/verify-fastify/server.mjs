// A Fastify service that takes AgentIdP's tokens: ISSUER, AUDIENCE and PORT say whose and where.
import { TokenVerifier } from '@sentryagent/idp-sdk';
import { requireToken, tokenOf } from '@sentryagent/idp-sdk/fastify';
import fastify from 'fastify';

const { ISSUER: issuer, AUDIENCE: audience, PORT: port = 0 } = process.env;
const verifier = new TokenVerifier({ issuer, audience });

const app = fastify({ forceCloseConnections: true });
app.get('/open', () => ({ open: true }));
app.get('/reports', { onRequest: requireToken(verifier, { scopes: ['agents:read'] }) }, (request) => ({
  subject: tokenOf(request).subject,
}));

console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(port) })}`);
process.once('SIGTERM', () => void app.close());
