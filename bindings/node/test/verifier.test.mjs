// Tokens verified without a call, against an issuer on loopback.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  AgentIdPClient,
  ApiConnectionError,
  AuthenticationError,
  ConfigurationError,
  PermissionDeniedError,
  TokenVerifier,
} from '@sentryagent/idp-sdk';
import { ManualClock, MockServer } from '@sentryagent/idp-sdk/testing';
import { json, serve } from './support/server.mjs';

const AUDIENCE = 'reports-service';
const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('verifier', { timeout: 60_000 }, () => {
  let issuer, clock, keys, verifier;
  before(async () => {
    clock = new ManualClock();
    keys = {
      RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
      ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      EdDSA: generateKeyPairSync('ed25519'),
    };
    issuer = await serve({
      handle(request, response) {
        if (
          request.url.endsWith('/.well-known/openid-configuration') ||
          request.url.includes('oauth-authorization-server')
        ) {
          return json(response, 200, { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` });
        }
        const jwks = Object.entries(keys).map(([alg, { publicKey }]) => ({
          ...publicKey.export({ format: 'jwk' }),
          alg,
          use: 'sig',
          kid: alg,
        }));
        return json(response, 200, { keys: jwks });
      },
    });
    verifier = new TokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clock });
  });
  after(() => issuer.close());

  function mint({ alg = 'RS256', head = {}, key = keys[alg], ...claims } = {}) {
    const now = Math.floor(clock.now().getTime() / 1000);
    const header = { alg, typ: 'at+jwt', kid: alg, ...head };
    const body = {
      iss: issuer.url,
      sub: 'agent-1',
      aud: AUDIENCE,
      client_id: 'agent-1',
      organization_id: 'org-1',
      scope: 'agents:read audit:read',
      jti: 'token-1',
      iat: now,
      exp: now + 600,
      extra: { deep: [1] },
      ...claims,
    };
    const text = `${base64(header)}.${base64(body)}`;
    const how = alg === 'ES256' ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' } : key.privateKey;
    return `${text}.${sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), how).toString('base64url')}`;
  }

  const refused = async (token, options) =>
    verifier.verify(token, options).then(
      () => assert.fail('it was accepted'),
      (error) => error,
    );

  it('accepts each algorithm and tells what the token says', async () => {
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const token = await verifier.verify(mint({ alg }));
      assert.equal(token.subject, 'agent-1');
      assert.equal(token.algorithm, alg);
      assert.equal(token.keyId, alg);
      assert.deepEqual(token.scopes, ['agents:read', 'audit:read']);
      assert.deepEqual(token.audience, [AUDIENCE]);
      assert.ok(token.expiresAt instanceof Date && token.issuedAt instanceof Date);
      assert.equal(token.expiresAt - token.issuedAt, 600_000);
      assert.deepEqual(token.claims.extra, { deep: [1] });
      assert.ok(Object.isFrozen(token) && Object.isFrozen(token.scopes) && Object.isFrozen(token.claims.extra.deep));
    }
  });

  it('fetches the keys once, and needs neither issuer nor loop after that', async () => {
    const fresh = new TokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clock });
    await fresh.verify(mint());
    const before = issuer.calls.length;
    let turned = false;
    setImmediate(() => (turned = true));
    for (let i = 0; i < 50; i++) await fresh.verify(mint());
    assert.equal(turned, false);
    assert.equal(issuer.calls.length, before);
  });

  for (const [name, reason, make] of [
    ['expired', 'expired', () => mint({ exp: Math.floor(clock.now().getTime() / 1000) - 61 })],
    ['of another issuer', 'issuer', () => mint({ iss: 'https://evil.example' })],
    ['for another audience', 'audience', () => mint({ aud: 'other' })],
    ['not valid yet', 'not_yet_valid', () => mint({ nbf: Math.floor(clock.now().getTime() / 1000) + 61 })],
    ['forged', 'signature', () => mint({ key: generateKeyPairSync('rsa', { modulusLength: 2048 }) })],
    ['of an unknown key', 'unknown_key', () => mint({ head: { kid: 'other' } })],
    ['unsigned', 'algorithm', () => `${base64({ alg: 'none', typ: 'at+jwt' })}.${mint().split('.')[1]}.`],
    [
      'signed with the public key as a secret',
      'algorithm',
      () => {
        const text = `${base64({ alg: 'HS256', typ: 'at+jwt', kid: 'RS256' })}.${mint().split('.')[1]}`;
        const pem = keys.RS256.publicKey.export({ type: 'spki', format: 'pem' });
        return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
      },
    ],
    ['no token', 'malformed', () => 'hello'],
  ]) {
    it(`refuses one that is ${name}`, async () => {
      const token = make();
      const error = await refused(token);
      assert.ok(error instanceof AuthenticationError, String(error));
      assert.equal(error.code, 'INVALID_TOKEN');
      assert.equal(error.oauthError, 'invalid_token');
      assert.equal(error.details.reason, reason);
      assert.ok(!JSON.stringify(error).includes(token) && !error.stack.includes(token));
      assert.match(error.stack, /verifier\.test\.mjs/);
    });
  }

  it('has a leeway of a minute, or as many seconds as it is told', async () => {
    const late = () => mint({ exp: Math.floor(clock.now().getTime() / 1000) - 30 });
    await verifier.verify(late());
    const strict = new TokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clock, leewaySeconds: 0 });
    await assert.rejects(strict.verify(late()), { code: 'INVALID_TOKEN' });
  });

  it('names the scopes that are missing', async () => {
    await verifier.verify(mint(), { requiredScopes: ['agents:read'] });
    const error = await refused(mint(), { requiredScopes: ['agents:write'] });
    assert.ok(error instanceof PermissionDeniedError);
    assert.equal(error.code, 'INSUFFICIENT_SCOPE');
    assert.equal(error.oauthError, 'insufficient_scope');
    assert.deepEqual(error.details.requiredScopes, ['agents:write']);
  });

  it('asks for an unknown key once a minute at most', async () => {
    const fresh = new TokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clock });
    await fresh.verify(mint());
    const fetches = () => issuer.calls.filter(({ url }) => url === '/jwks').length;
    const before = fetches();
    clock.advance(61);
    const flood = Array.from({ length: 200 }, (_, i) => fresh.verify(mint({ head: { kid: `random-${i}` } })));
    for (const { reason } of await Promise.allSettled(flood)) assert.equal(reason.details.reason, 'unknown_key');
    assert.equal(fetches(), before + 1);
    clock.advance(61);
    await assert.rejects(fresh.verify(mint({ head: { kid: 'later' } })));
    assert.equal(fetches(), before + 2);
  });

  it('says that no key can be had, and does not call that a bad token', async () => {
    const gone = await serve();
    await gone.close();
    const lost = new TokenVerifier({ issuer: gone.url, audience: AUDIENCE });
    await assert.rejects(lost.verify(mint()), ApiConnectionError);
  });

  it('stops waiting for keys when it is told to', async () => {
    const silent = await serve({ handle: () => undefined });
    const waiting = new TokenVerifier({ issuer: silent.url, audience: AUDIENCE });
    const controller = new AbortController();
    const call = waiting.verify(mint(), { signal: controller.signal });
    await silent.until(() => silent.calls.length > 0);
    controller.abort();
    await assert.rejects(call, { name: 'AbortError' });
    await assert.rejects(waiting.verify(mint(), { signal: AbortSignal.abort() }), { name: 'AbortError' });
    await silent.close();
  });

  it('refuses a configuration that cannot work', () => {
    assert.throws(() => new TokenVerifier({ issuer: '', audience: AUDIENCE }), ConfigurationError);
    assert.throws(() => new TokenVerifier({ issuer: 'http://idp.example', audience: AUDIENCE }), ConfigurationError);
    assert.throws(() => new TokenVerifier({ issuer: issuer.url, audience: [] }), ConfigurationError);
  });

  it('knows what was revoked when it has a client to ask', async () => {
    const mock = await MockServer.start();
    const client = mock.client();
    const { issuer: real, audience } = await audienceOf(client);
    const own = new TokenVerifier({
      issuer: real,
      audience,
      client,
      clock: mock.clientClock,
      jwksUri: `${mock.baseUrl}/.well-known/jwks.json`,
    });
    const token = (await client.tokens.issueToken()).access_token;
    assert.equal((await own.verify(token)).subject, mock.clientId);
    await client.tokens.revokeToken(token);
    const error = await own.verify(token).catch((e) => e);
    assert.equal(error.details?.reason, 'revoked', String(error));
    await mock.close();
  });

  async function audienceOf(client) {
    const { access_token: token } = await client.tokens.issueToken();
    const { iss, aud } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    return { issuer: iss, audience: aud };
  }

  it('is used with a client of the SDK, not with something like one', () => {
    assert.throws(() => new TokenVerifier({ issuer: issuer.url, audience: AUDIENCE, client: {} }), TypeError);
    assert.ok(new AgentIdPClient({ baseUrl: issuer.url, clientId: 'a', clientSecret: 'b' }));
  });
});
