// An Express service that takes AgentIdP's tokens: ISSUER, AUDIENCE and PORT say whose and where.
import { TokenVerifier } from '@sentryagent/idp-sdk';
import { requireToken, tokenOf } from '@sentryagent/idp-sdk/express';
import express from 'express';

const { ISSUER: issuer, AUDIENCE: audience, PORT: port = 0 } = process.env;
const verifier = new TokenVerifier({ issuer, audience });

const app = express();
app.get('/open', (request, response) => {
  response.json({ open: true });
});
app.get('/reports', requireToken(verifier, { scopes: ['agents:read'] }), (request, response) => {
  response.json({ subject: tokenOf(request).subject });
});

const server = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
