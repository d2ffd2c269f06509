// The verifiers: the project's, and jose as its documentation uses it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AUDIENCE = 'https://api.example.com';

/** A token of each algorithm. */
async function tokensOf(baseUrl) {
  return (await fetch(`${baseUrl}/tokens`)).json();
}

/** Reads what a caller reads, and checks it. */
function look(subject, scopes) {
  if (subject.length !== 36 || !scopes.includes('agents:read')) {
    throw new Error('the token does not say what it was made with');
  }
}

async function project(baseUrl) {
  const { TokenVerifier } = await import('@sentryagent/idp-sdk');
  const require = createRequire(import.meta.url);
  const { version } = require('@sentryagent/idp-sdk/package.json');
  const verifier = new TokenVerifier({ issuer: baseUrl, audience: AUDIENCE, jwksUri: `${baseUrl}/keys` });
  const tokens = await tokensOf(baseUrl);
  return {
    name: `@sentryagent/idp-sdk ${version}`,
    verify: async (algorithm) => {
      const { subject, scopes } = await verifier.verify(tokens[algorithm]);
      look(subject, scopes);
    },
  };
}

async function jose(baseUrl) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const lock = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const keys = createRemoteJWKSet(new URL(`${baseUrl}/keys`), { cacheMaxAge: Infinity });
  const rules = {
    issuer: baseUrl,
    audience: AUDIENCE,
    clockTolerance: 60,
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    requiredClaims: ['exp', 'sub'],
  };
  const tokens = await tokensOf(baseUrl);
  return {
    name: `jose ${lock.dependencies.jose}`,
    verify: async (algorithm) => {
      const { payload } = await jwtVerify(tokens[algorithm], keys, rules);
      look(payload.sub, payload.scope.split(' '));
    },
  };
}

export const verifiers = { 'verify-project': project, jose };
